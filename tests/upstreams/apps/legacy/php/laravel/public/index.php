<?php
// A front controller that routes by the path, as Laravel's does.
$routes = [
    'POST /api/tencent/callback' => function (array $event): array {
        switch ($event['event_type'] ?? null) {
            case 1: case '1': case 0: case '0':
                file_put_contents(getenv('FOLDER') . '/streams', "{$event['stream_id']}\n", FILE_APPEND);
        }
        return ['code' => 0];
    },
];
$path = rtrim(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), '/');
$action = $routes["{$_SERVER['REQUEST_METHOD']} $path"] ?? null;
header('Content-Type: application/json');
header('Cache-Control: no-cache, private');
if (!$action) {
    http_response_code(404);
    exit('{"message":"Not Found"}');
}
echo json_encode($action(json_decode(file_get_contents('php://input'), true)));
