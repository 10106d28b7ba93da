// Clients of mqtt.js, as many as one wants, in one process. Told by a line of JSON on standard input each:
//
//   {"call": 1, "client": 7, "do": "connect", "url": "ws://...", "options": {...}}
//
// and answers {"call": 1, "ok": ...} or {"call": 1, "error": "..."}. {"client": 7, "message": {...}} tells of a
// message, {"client": 7, "closed": true} of a connection that has ended. It connects once and never again by itself.
'use strict'
const mqtt = require('mqtt')
const readline = require('readline')

const clients = new Map()
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const text = (value) => (Buffer.isBuffer(value) ? value.toString() : value)
const texts = (properties = {}) =>
  Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, text(value)]))

function connect (number, { url, options }) {
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(url, { reconnectPeriod: 0, ...options })
    clients.set(number, client)
    client.on('connect', (connack) => resolve({
      present: connack.sessionPresent, properties: texts(connack.properties)
    }))
    client.on('error', (error) => reject(error))
    client.on('message', (topic, payload, packet) => say({
      client: number,
      message: {
        topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain, properties: texts(packet.properties)
      }
    }))
    client.on('close', () => { reject(new Error('closed')); say({ client: number, closed: true }) })
  })
}

const calls = {
  connect,
  subscribe: (number, { filter, options }) => new Promise((resolve, reject) =>
    clients.get(number).subscribe(filter, options, (error, granted) =>
      error ? reject(error) : resolve(granted.map(({ qos }) => qos)))),
  publish: (number, { topic, payload, options }) => new Promise((resolve, reject) => {
    if (options.properties && options.properties.correlationData) {
      options.properties.correlationData = Buffer.from(options.properties.correlationData)
    }
    clients.get(number).publish(topic, payload, options, (error) => error ? reject(error) : resolve(null))
  }),
  end: (number) => new Promise((resolve) => clients.get(number).end(false, {}, () => resolve(null))),
  drop: async (number) => { clients.get(number).stream.destroy(); return null }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { call, client, do: what, ...rest } = JSON.parse(line)
  calls[what](client, rest).then((ok) => say({ call, ok }), (error) => say({ call, error: error.message }))
}).on('close', () => process.exit(0))
say({ ready: true })
