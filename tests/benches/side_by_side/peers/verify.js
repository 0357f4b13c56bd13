// The same work as in lua.conf, for njs.
import crypto from 'crypto';
import querystring from 'querystring';

function tencent(r) {
  let event;
  try { event = JSON.parse(r.requestText); } catch (e) { r.return(400); return; }
  if (crypto.createHash('md5').update('secret' + event.t).digest('hex') !== event.sign) { r.return(401); return; }
  delete event.t;
  delete event.sign;
  r.subrequest('/up/live/push', { method: 'POST', body: JSON.stringify(event) }, (answer) => {
    if (answer.status < 200 || answer.status > 299) { r.return(503); return; }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, '{"code":0}');
  });
}

function kollus(r) {
  const fields = querystring.parse(r.requestText);
  if (!fields.kind || !fields.client_user_id) { r.return(400); return; }
  fields.kind = Number(fields.kind);
  fields.localtime = Number(fields.localtime);
  try { fields.uservalues = JSON.parse(fields.uservalues); } catch (e) { r.return(400); return; }
  r.subrequest('/up/kollus/play', { method: 'POST', body: JSON.stringify(fields) }, (answer) => {
    let said = { result: 0 };
    try { if (answer.status === 200) { said = JSON.parse(answer.responseText); } } catch (e) { /* not JSON: deny the play */ }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify({ data: said }));
  });
}

export default { tencent, kollus };
