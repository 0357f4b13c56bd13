<?php
// A front controller that routes by a parameter of the query. As many real apps do, accepts the value
// in any letter case, from an array, and as the path of a file.
$name = $_GET['c'] ?? 'home';
while (is_array($name)) {
    $name = end($name);
}
$name = basename(trim(str_replace('\\', '/', strtolower($name)), " \t\n\r\0/."), '.php');
if ($name === 'callback') {
    require __DIR__ . '/../handled.php';
    echo '{"code":0}';
} else {
    echo "passed\n";
}
