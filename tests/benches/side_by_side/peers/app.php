<?php
// An app that receives Tencent's callbacks. At /gated, it receives the events of gatepost instead.
$event = json_decode(file_get_contents('php://input'), true);
$gated = $_SERVER['REQUEST_URI'] === '/gated';
header('content-type: application/json');
if (!$gated && !(is_array($event) && hash_equals(md5('secret' . $event['t']), $event['sign']))) {
    http_response_code(401);
    exit('{"code":1}');
}
if ($gated && ($_SERVER['HTTP_CE_TYPE'] ?? '') === '') {
    http_response_code(500);
    exit;
}
echo '{"code":0}';
