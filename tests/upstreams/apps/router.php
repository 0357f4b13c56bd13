<?php
// A router script that builds the URL of the request from the header `Host`, as some apps do.
$path = parse_url('http://' . ($_SERVER['HTTP_HOST'] ?? 'localhost') . $_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (in_array($path, ['/live/push', '/callbacks/tencent', '/hooks/tencent'], true)) {
    require __DIR__ . '/handled.php';
} else {
    echo "passed\n";
}
