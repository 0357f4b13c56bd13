<?php
// php -S 127.0.0.1:3000 examples/php/index.php
$type = $_SERVER['HTTP_CE_TYPE'] ?? exit(http_response_code(403)); // only gatepost can set it
$event = json_decode(file_get_contents('php://input'), true);
error_log("$type {$_SERVER['HTTP_CE_ID']} {$_SERVER['HTTP_CE_SOURCE']}");
header('Content-Type: application/json');
echo json_encode(match ($type) {
    'com.kollus.live_play' => ['allow' => $event['client_user_id'] === 'user01', 'message' => 'Please buy a ticket'],
    default => ['seen' => $event['stream_id'] ?? null],
});
