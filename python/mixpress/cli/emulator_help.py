"""The help of `mixpress emulator`."""

HELP = """\
Run a local server of Mixpanel's ingestion API.

It answers /import, /track, /engage, /groups and /lookup-tables as documented, strict or not. It keeps
profiles, and stores accepted events, deduplicated, the last 1,000,000, in memory or in --db. It accepts any
credentials that are not empty unless it is given some, answers 429 beyond the documented rate limit, and
sends nothing to other machines except to a --webhook. Its page, at the URL that it prints, shows what
arrives: open it in a browser.

It prints its URL when it is ready, then one line per request. Ctrl-C or SIGTERM stops it.

\b
Send events to it, in another terminal:
  mixpress import examples/flights.ndjson.gz --to http://127.0.0.1:8400

\b
Query the stored events, with --db events.db:
  sqlite3 events.db "SELECT event, count(*) FROM events GROUP BY event"

\b
Ask what arrived, from any language:
  curl 'http://127.0.0.1:8400/_emulator/events?event=Signed+Up'
  curl 'http://127.0.0.1:8400/_emulator/refused'
  curl 'http://127.0.0.1:8400/_emulator/profiles?distinct_id=ada'
  curl 'http://127.0.0.1:8400/_emulator/sql' -H 'Content-Type: application/json' \\
      -d '{"sql": "SELECT distinct_id, properties FROM profiles"}'
  curl -X POST 'http://127.0.0.1:8400/_emulator/reset'

\b
Write the stored events to a file, while it runs:
  mixpress emulator export events.parquet

\b
Have a lookup table, and replace its rows:
  mixpress emulator --lookup-table songs:Songs
  mixpress lookup replace songs songs.csv --to http://127.0.0.1:8400

\b
Be another project, with a lower rate limit, limits as reported, and given credentials:
  mixpress emulator --rate-limit 600000 --limits observed --credentials-file credentials.txt

\b
Test your code against failures:
  mixpress emulator --fault 429:10% --fault 502:3 --fault latency:200ms±50

\b
KIND is one of:
  429, 429:3s       rate limit, without and with Retry-After
  413:2MiB          requests whose JSON is larger; with HOW-OFTEN, those requests
  400:0+2           the events at these positions fail, the others are stored
  401, 403          invalid credentials, forbidden
  408, 414, 500, 502, 503, 504
                    what a proxy answers; 502:html as an HTML page
  reset             the connection is reset, nothing is stored
  drop-reply        stored, then the connection is closed without a reply (or: taken)
  slow:2s           the reply is delayed
  latency:200ms±50  every reply is delayed by 150 to 250 ms, also that of another fault
HOW-OFTEN is a share of the requests, such as 10%, or a count, such as 3: that many
requests in a row, before any share. Without it, every request. 429=0.1 and 502=3x are
the same with an equals sign. With the same --fault-seed the same requests fail, in
order of arrival.

\b
A schedule.toml has phases, one after the other:
  [[phase]]
  faults = "429:30%, latency:200ms±50"
  requests = 100          # or: seconds = 10

\b
Exit status:
  0  stopped by Ctrl-C or SIGTERM
  2  wrong usage, or it cannot listen or use the file
"""
