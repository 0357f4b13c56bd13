#!/usr/bin/env bash
# CPU time per request of a verified Tencent push, beside passing through, in one run.
#
# Needs nginx and wrk. The figure to compare is user + system time of the proxy's process over the
# requests served; it hardly moves with what else the machine does. Loopback only; ROUNDS (default 3)
# of SECONDS_EACH (default 5).
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --release -p gatepost-proxy --bin gatepost --example bare
bin=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release
dir=$(mktemp -d)
pids=()
# SIGINT: on SIGTERM bare Pingora would wait for five minutes.
trap 'kill -INT "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT

cat > "$dir/nginx.conf" <<CONF
worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.err; daemon off;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path $dir/b; proxy_temp_path $dir/p;
  fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s; default_type application/json;
  server { listen 127.0.0.1:9000; location / { return 200 '{"result":1}'; } }
  upstream app { server 127.0.0.1:9000; keepalive 256; keepalive_requests 1000000; }
  server { listen 127.0.0.1:9104; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
CONF
cat > "$dir/gate.toml" <<'CONF'
listen = ["127.0.0.1:9102"]
upstream = "http://127.0.0.1:9000"
threads = 1
[[route]]
path = "/callbacks/tencent"
provider = "tencent-css"
[[route]]
path = "/callbacks/kollus/{token}"
provider = "kollus"
token = "bench"
[[template]]
name = "bench"
provider = "tencent-css"
keys = ["secret"]
bind = ["push.example.com"]
on.push = "http://127.0.0.1:9000/live/push"
[[template]]
name = "bench-play"
provider = "kollus"
bind = ["*"]
on.live_play = "http://127.0.0.1:9000/kollus/play"
CONF
t=$(($(date +%s) + 800))
sign=$(printf 'secret%s' "$t" | md5sum | cut -d ' ' -f 1)
push='{"app":"push.example.com","appid":12345678,"appname":"live","channel_id":"test_stream","errcode":0,"errmsg":"ok","event_time":1703731478,"event_type":1,"height":0,"idc_id":34,"node":"42.81.194.37","sequence":"2210464508206756938","set_id":2,"sign":"'$sign'","stream_id":"test_stream","stream_param":"stream_param=test","t":'$t',"user_ip":"1.1.1.1","width":0}'
play='kind=100&client_user_id=user01&player_id=xxxxxxxxxxxxxxxx&device_name=sargo%2FPixel+3a&media_content_key=20210909-ygpecl4n&channel_key=meaqfjq9uclaeuuc&uservalues=%7B%22uservalue0%22%3A%22class_code_01%22%7D&localtime=1703731478'
printf 'wrk.method = "POST"\nwrk.body = [[%s]]\n' "$push" > "$dir/push.lua"
printf 'wrk.method = "POST"\nwrk.body = [[%s]]\n' "$play" > "$dir/play.lua"

nginx -c "$dir/nginx.conf" & pids+=($!)
"$bin/examples/bare" 127.0.0.1:9101 127.0.0.1:9000 >/dev/null 2>&1 & bare=$!; pids+=($bare)
GATEPOST_LOG=off "$bin/gatepost" run -c "$dir/gate.toml" & gate=$!; pids+=($gate)
for port in 9000 9101 9102 9104; do
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.05; done
done

ticks() { awk '{print $14, $15}' "/proc/$1/stat"; }
measure() { # name pid port path script
  read -r u0 s0 < <(ticks "$2")
  out=$(wrk -t1 -c32 -d"${SECONDS_EACH:-5}s" -s "$dir/$5.lua" "http://127.0.0.1:$3$4")
  read -r u1 s1 < <(ticks "$2")
  n=$(awk '/requests in/{print $1}' <<<"$out")
  bad=$(awk '/Non-2xx/{print $NF}' <<<"$out")
  awk -v n="$n" -v u=$((u1-u0)) -v s=$((s1-s0)) -v name="$1" -v bad="${bad:-0}" \
    'BEGIN{printf "%-30s %6.1f us/request (user %.1f, system %.1f)  %d requests, %d not 2xx\n", name, (u+s)*10000/n, u*10000/n, s*10000/n, n, bad}'
}
# Round by round, so that whatever else the machine does weighs on all of them alike.
for round in $(seq "${ROUNDS:-3}"); do
  echo "round $round"
  measure 'bare Pingora, pass-through' "$bare" 9101 /other                  push
  measure 'gatepost, pass-through'     "$gate" 9102 /other                  push
  measure 'gatepost, verified push'    "$gate" 9102 /callbacks/tencent      push
  measure 'gatepost, Kollus play'      "$gate" 9102 /callbacks/kollus/bench play
done
