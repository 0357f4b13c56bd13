<?php
// Verifies the signature and the expiry of a Tencent callback, as controllers of Yii apps do.
header('Content-Type: application/json; charset=UTF-8');
$event = json_decode(file_get_contents('php://input'), true) ?? [];
$sign = md5(getenv('TENCENT_KEY') . ($event['t'] ?? ''));
if (!hash_equals($sign, $event['sign'] ?? '') || $event['t'] < time()) {
    exit('{"code":403,"message":"sign error"}');
}
echo '{"code":0}';
