<?php
// Decides on each item of a DRM callback.
require __DIR__ . '/../jwt.php';

$replies = [];
foreach (json_decode($_POST['items'] ?? '[]', true) as $item) {
    $reply = ['kind' => $item['kind'], 'media_content_key' => $item['media_content_key']];
    if ($item['kind'] == 3) {
        $reply += ['session_key' => $item['session_key'], 'start_at' => $item['start_at']];
    }
    $replies[] = $reply + ['result' => $item['client_user_id'] === 'user01' ? 1 : 0];
}
reply(['data' => $replies]);
