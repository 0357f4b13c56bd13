<?php
// php -S 127.0.0.1:3000 examples/php/index.php
$type = $_SERVER['HTTP_CE_TYPE'] ?? null; // only gatepost can set this header
if ($type === null) exit("hello\n");      // not an event: your own pages
$event = json_decode(file_get_contents('php://input'), true);
error_log("$type {$_SERVER['HTTP_CE_ID']} {$_SERVER['HTTP_CE_SOURCE']}");
if ($type === 'com.kollus.live_play') {
    header('Content-Type: application/json');
    $may = $event['client_user_id'] === 'user01';
    echo json_encode($may ? ['allow' => true] : ['allow' => false, 'message' => 'Please buy a ticket']);
}
