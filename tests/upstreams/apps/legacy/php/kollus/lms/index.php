<?php
// Writes learning records into a database.
if (!isset($_POST['json_data'])) {
    http_response_code(400);
    exit('no record');
}
$record = json_decode($_POST['json_data'], true);
$content = $record['content_info'];
$db = new PDO('sqlite:' . getenv('FOLDER') . '/lms.db');
$db->exec('CREATE TABLE IF NOT EXISTS progress (user TEXT, content TEXT, start INT, percent INT, PRIMARY KEY (user, content, start))');
$db->prepare('INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)')->execute([
    $record['user_info']['client_user_id'], $content['media_content_key'], $content['start_at'], $content['playtime_percent'],
]);
echo 'OK';
