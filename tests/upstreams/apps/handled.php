<?php
// Notes that the handler of an event has run: the request's probe and its ce-type.
$noted = ($_SERVER['HTTP_X_PROBE'] ?? '-') . ' ' . ($_SERVER['HTTP_CE_TYPE'] ?? '-') . "\n";
file_put_contents($_SERVER['HANDLED'] ?? getenv('HANDLED'), $noted, FILE_APPEND | LOCK_EX);
