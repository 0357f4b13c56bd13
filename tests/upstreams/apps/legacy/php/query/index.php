<?php
// A front controller that routes by the query, as WordPress plugins and old frameworks do.
$event = json_decode(file_get_contents('php://input'), true);
switch ($_GET['c'] ?? 'home') {
    case 'callback':
        header('Content-Type: application/json');
        echo json_encode(['code' => isset($event['stream_id']) ? 0 : 1, 'message' => 'ok']);
        break;
    default:
        echo "<h1>Home</h1>\n";
}
