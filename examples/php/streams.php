<?php
// php -S 127.0.0.1:3000 examples/php/streams.php
// One app for every platform: with forward = "common", the events have the same names and fields.
$type = $_SERVER['HTTP_CE_TYPE'] ?? null; // only gatepost can set this header
if ($type === null) exit("hello\n");      // not an event: your own pages
$event = json_decode(file_get_contents('php://input'), true);
$stream = $event['stream'] ?? '-';
error_log("$type {$_SERVER['HTTP_CE_SOURCE']} $stream");
if (str_ends_with($type, '_requested')) {
    header('Content-Type: application/json');
    echo json_encode(['allow' => $stream !== 'closed']);
}
