<?php
require __DIR__ . '/../../../handled.php';
