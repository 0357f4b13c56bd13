<?php
// Decides whether a viewer may play a video.
require __DIR__ . '/../jwt.php';

$member = ($_POST['client_user_id'] ?? '') === 'user01';
$data = $member ? ['expiration_date' => 1893455999, 'result' => 1] : ['result' => 0, 'message' => 'Members only'];
reply(['data' => $data]);
