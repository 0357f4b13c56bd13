<?php
// A front controller like those of Laravel and Symfony. It routes by the path of the request target,
// after it has removed the script's own path from the start.
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
