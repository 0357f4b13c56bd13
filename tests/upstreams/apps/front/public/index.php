<?php
// A front controller as Laravel and Symfony have it: the path is that of the target, without the
// script's own path before it.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
$script = $_SERVER['SCRIPT_NAME'];
if (str_starts_with($path, $script)) {
    $path = substr($path, strlen($script));
}
$path = '/' . trim($path, '/');
if (in_array($path, ['/live/push', '/callbacks/tencent', '/hooks/tencent'], true)) {
    require __DIR__ . '/../../handled.php';
} else {
    echo "passed\n";
}
