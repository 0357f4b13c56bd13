<?php
// Records each request. Runs as the router script of `php -S`, and behind nginx for every path.
$body = file_get_contents('php://input');
$record = [
    'probe' => $_SERVER['HTTP_X_PROBE'] ?? '-',
    'method' => $_SERVER['REQUEST_METHOD'],
    'target' => $_SERVER['REQUEST_URI'],
    'host' => $_SERVER['HTTP_HOST'] ?? '-',
    'kind' => $_SERVER['HTTP_CE_TYPE'] ?? '-',
    'hidden' => $_SERVER['HTTP_X_HIDDEN'] ?? '-',
    'body' => bin2hex($body),
];
$line = json_encode($record, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES) . "\n";
file_put_contents($_SERVER['HANDLED'] ?? getenv('HANDLED'), $line, FILE_APPEND | LOCK_EX);
header('x-recorded: 1');
echo "probe={$record['probe']};\n";
