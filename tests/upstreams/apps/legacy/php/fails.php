<?php
// Runs before each PHP app (auto_prepend_file). Makes the app fail, or changes its answer, as real PHP
// apps do. The test writes the name of the failure or change into the file `mode`.
ini_set('display_errors', '1');
ini_set('html_errors', '1');
$folder = getenv('FOLDER');
switch (@file_get_contents("$folder/mode")) {
    case 'fatal error':
        function_of_a_missing_extension();
    case 'warning':
        echo $_SERVER['MISSING'];
        break;
    case 'byte order mark':
        echo "\u{FEFF}";
        break;
    case 'redirect to login':
        header('Location: /login.php');
        exit;
    case 'slow':
        usleep(1_400_000);
        break;
    case 'compressed':
        header('Content-Encoding: gzip');
        ob_start(fn (string $answer) => gzencode($answer));
        break;
    case 'session':
        session_save_path($folder);
        session_id('one-session-of-the-test');
        session_start();
        break;
    case 'status 500':
        http_response_code(500);
        exit('{"message":"Server Error"}');
    case 'empty':
        exit;
    case 'EUC-KR':
        header('Content-Type: text/html; charset=EUC-KR');
        exit(iconv('UTF-8', 'EUC-KR', '점검 중입니다'));
    case 'broken header':
        header('X Debug: 1');
        break;
    case 'error as JSON':
        header('Content-Type: application/json');
        exit('{"code":500,"error":"db down"}');
}
