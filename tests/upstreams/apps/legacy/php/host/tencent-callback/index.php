<?php
// A script at the URL of its folder, which ends in a slash.
header('Content-Type: application/json');
$event = json_decode(file_get_contents('php://input'), true);
echo json_encode(['code' => isset($event['stream_id']) ? 0 : 1]);
