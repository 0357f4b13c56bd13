# Records each request, for puma.
require 'json'

run(lambda do |env|
  body = env['rack.input']&.read || ''
  record = {
    probe: env['HTTP_X_PROBE'] || '-',
    method: env['REQUEST_METHOD'],
    target: env['REQUEST_URI'],
    host: env['HTTP_HOST'] || '-',
    kind: env['HTTP_CE_TYPE'] || '-',
    hidden: env['HTTP_X_HIDDEN'] || '-',
  }.transform_values { |value| value.dup.force_encoding('UTF-8').scrub('?') }
  record[:body] = body.unpack1('H*')
  File.open(ENV.fetch('HANDLED'), 'a') { |file| file.write("#{record.to_json}\n") }
  [200, { 'x-recorded' => '1' }, ["probe=#{record[:probe]};\n"]]
end)
