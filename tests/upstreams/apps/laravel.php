<?php
// Serves routes/gatepost.php of the working directory with Laravel's router, for the guide for Laravel. Debian
// packages the router, but not a complete app.

require 'Illuminate/Routing/autoload.php';
require 'Illuminate/Events/autoload.php';

use Illuminate\Container\Container;
use Illuminate\Events\Dispatcher;
use Illuminate\Http\Request;
use Illuminate\Routing\Router;
use Illuminate\Support\Facades\Facade;

error_reporting(E_ERROR);
$container = new Container();
Container::setInstance($container);
$router = new Router(new Dispatcher($container), $container);
$container->instance('router', $router);
Facade::setFacadeApplication($container);

/** Laravel's helper function that the routes use. */
function response()
{
    return new class {
        public function json(array $data)
        {
            return new Illuminate\Http\JsonResponse($data);
        }

        public function noContent()
        {
            return new Illuminate\Http\Response('', 204);
        }
    };
}

require getcwd() . '/routes/gatepost.php';
$request = Request::capture();
$container->instance(Request::class, $request);
$router->dispatch($request)->send();
