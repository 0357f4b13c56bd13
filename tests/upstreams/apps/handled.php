<?php
// Records that a handler has run: appends the request's probe and ce-type to a file.
$noted = ($_SERVER['HTTP_X_PROBE'] ?? '-') . ' ' . ($_SERVER['HTTP_CE_TYPE'] ?? '-') . "\n";
file_put_contents($_SERVER['HANDLED'] ?? getenv('HANDLED'), $noted, FILE_APPEND | LOCK_EX);
