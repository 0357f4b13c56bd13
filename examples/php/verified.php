<?php
// SIGNING_SECRET=whsec_… php -S 127.0.0.1:3000 examples/php/verified.php
// An app that clients can reach without gatepost: it accepts an event only with a valid signature. The config of
// gatepost has signing_secret = { env = "SIGNING_SECRET" }. The package standard-webhooks/standard-webhooks
// does the same as this function.
function is_genuine(string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($time) || abs(time() - (int) $time) > 300) return false;
    $key = base64_decode(substr(getenv('SIGNING_SECRET'), strlen('whsec_')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
    $genuine = false;
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        $genuine = hash_equals($expected, $signature) || $genuine;
    }
    return $genuine;
}

$body = file_get_contents('php://input');
http_response_code(is_genuine($body) ? 204 : 401);
