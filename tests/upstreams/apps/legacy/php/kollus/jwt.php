<?php
// Signs a reply to Kollus, prints the reply, and sets the header with the key that Kollus expects.
function reply(array $payload): void
{
    $encode = fn (string $part) => rtrim(strtr(base64_encode($part), '+/', '-_'), '=');
    $token = $encode('{"alg":"HS256","typ":"JWT"}') . '.' . $encode(json_encode($payload));
    header('X-Kollus-UserKey: ' . getenv('KOLLUS_CUSTOM_KEY'));
    echo $token . '.' . $encode(hash_hmac('sha256', $token, getenv('KOLLUS_SECURITY_KEY'), true));
}
