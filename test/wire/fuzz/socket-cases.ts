/**
 * Bytes on a bare connection that no client library would send: broken HTTP/1.1, broken HTTP/2 frames, other protocols,
 * and connections whose writing half is closed in the middle of something.
 */
import type { Rng } from '../../support/rng.js'
import { randomBytes } from './mutate.js'

export interface SocketCase {
  readonly bytes: Buffer
  /** 'half-closes' = says it is done and listens on; 'cuts' = is gone at once; 'waits' = half-closes after an answer. */
  readonly ending: 'half-closes' | 'cuts' | 'waits'
  /** HTTP statuses one of which must come back to who waits; null = whatever the server says, as long as it closes. */
  readonly statuses: readonly number[] | null
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const EMPTY = Buffer.alloc(0)

/** An HTTP/2 frame; `length` may lie. */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer,
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length & 0xffffff, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

const uint32 = (value: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}
const SETTINGS = frame(4, 0, 0, EMPTY)
const times = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))

/** A literal header block: names and values as they are. */
function headerBlock(pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    pairs.flatMap(([name, value]) => [
      Buffer.of(0x10, name.length),
      Buffer.from(name),
      value.length < 127 ? Buffer.of(value.length) : Buffer.of(127, ...lengthRest(value.length - 127)),
      Buffer.from(value, 'latin1'),
    ]),
  )
}

function lengthRest(value: number): number[] {
  const out: number[] = []
  let rest = value
  for (; rest >= 128; rest >>= 7) out.push((rest & 0x7f) | 0x80)
  return [...out, rest]
}

const CALL = headerBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/milvus.proto.milvus.MilvusService/GetVersion'],
  [':authority', 'x'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
])

const HTTP2: readonly ((random: Rng) => Buffer)[] = [
  random =>
    times(random.between(1, 30), () =>
      frame(random.int(14), random.int(256), random.int(6), randomBytes(random, random.int(40))),
    ),
  random => frame(1, 4, 1, randomBytes(random, 50)),
  random => frame(random.int(10), 4, 1, CALL, random.pick([0, 3, 16_384, 16_385, 0xffffff])),
  random => frame(8, 0, random.int(2), uint32(random.pick([0, 0x7fffffff, 0xffffffff]))),
  () => times(2, () => frame(8, 0, 0, uint32(0x7fffffff))),
  random => frame(4, 0, random.int(2), randomBytes(random, random.pick([5, 6, 12, 600]))),
  () => times(2_000, () => SETTINGS),
  () => times(2_000, () => frame(6, 0, 0, Buffer.alloc(8))),
  () => times(300, i => Buffer.concat([frame(1, 5, 2 * i + 1, CALL), frame(3, 0, 2 * i + 1, uint32(8))])),
  () =>
    Buffer.concat([
      frame(1, 0, 1, CALL),
      times(500, () => frame(9, 0, 1, headerBlock([['a', 'b'.repeat(100)]]))),
    ]),
  random => frame(1, 4, random.pick([0, 2, 4]), CALL),
  () => Buffer.concat([frame(1, 4, 1, CALL), frame(0, 9, 1, Buffer.of(255, 0, 0))]),
  () => Buffer.concat([frame(1, 4, 1, CALL), frame(0, 0, 1, Buffer.from([0, 0, 0, 0, 9, 1]))]),
  () => Buffer.concat([frame(1, 4, 1, CALL), frame(1, 4, 1, CALL)]),
  () =>
    Buffer.concat([frame(1, 4, 3, CALL), frame(1, 4, 1, CALL), frame(2, 0, 3, Buffer.from([0, 0, 0, 3, 1]))]),
  () =>
    frame(
      1,
      4,
      1,
      Buffer.concat([
        CALL,
        headerBlock([
          ['Upper', 'x'],
          ['connection', 'close'],
          ['a', '\r\nb'],
        ]),
      ]),
    ),
  () =>
    frame(
      1,
      4,
      1,
      headerBlock([
        [':path', '/'],
        ['content-type', 'application/grpc'],
      ]),
    ),
  () =>
    frame(1, 4, 1, Buffer.concat([CALL, headerBlock([['x-long', 'y'.repeat(20_000)]])]).subarray(0, 16_384)),
  () => frame(7, 0, 0, Buffer.alloc(8)),
]

const LIST = 'POST /v2/vectordb/collections/list HTTP/1.1\r\nhost: x\r\n'
const BAD = [400, 408, 431] as const

const ROW = '{"collectionName":"shelf","data":[{"title":"x"}]}'
const INSERT = `POST /v2/vectordb/entities/insert HTTP/1.1\r\nhost: x\r\ncontent-length: ${ROW.length}\r\n\r\n${ROW}`

/** Broken HTTP/1.1, with what must come back. */
const HTTP1: readonly ((random: Rng) => { text: string; statuses: readonly number[] | null })[] = [
  () => ({ text: `${LIST}content-length: 2\r\n\r\n{}`, statuses: [200] }),
  () => ({
    text: `${LIST}connection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    statuses: [200],
  }),
  () => ({ text: INSERT, statuses: [200] }),
  () => ({ text: 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n', statuses: [200] }),
  () => ({ text: 'GET /healthz HTTP/1.0\r\n\r\n', statuses: [200] }),
  () => ({ text: `${LIST}content-length: 100\r\n\r\n{`, statuses: null }),
  () => ({ text: `${LIST}content-length: -1\r\n\r\n{}`, statuses: BAD }),
  () => ({ text: `${LIST}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, statuses: BAD }),
  () => ({
    text: `${LIST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    statuses: BAD,
  }),
  () => ({ text: `${LIST}transfer-encoding: chunked\r\n\r\nzz\r\n{}`, statuses: null }),
  () => ({ text: `${LIST}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}`, statuses: null }),
  () => ({ text: `${LIST}content-length: 99999999999999999999\r\n\r\n{}`, statuses: BAD }),
  () => ({ text: `${LIST}content-length: 4294967296\r\n\r\n{}`, statuses: [200, 400, 413] }),
  () => ({ text: `${LIST}x: ${'y'.repeat(100_000)}\r\n\r\n`, statuses: BAD }),
  () => ({ text: `${LIST}${'a: b\r\n'.repeat(3_000)}\r\n`, statuses: [200, ...BAD] }),
  () => ({ text: `GET ${'/a'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, statuses: BAD }),
  () => ({ text: 'BREW /coffee HTTP/1.1\r\nhost: x\r\n\r\n', statuses: BAD }),
  () => ({ text: 'POST /v2/vectordb/collections/list HTTP/1.1\r\n\r\n', statuses: BAD }),
  () => ({ text: 'GET / HTTP/9.9\r\nhost: x\r\n\r\n', statuses: [400, 404, 505] }),
  () => ({
    text: 'GET / HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
    statuses: [404],
  }),
  () => ({ text: 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n', statuses: null }),
  () => ({ text: `${`${LIST}content-length: 2\r\n\r\n{}`.repeat(20)}`, statuses: [200] }),
  () => ({ text: `${LIST}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`, statuses: [100, 200] }),
  random => ({ text: `${LIST}content-length: 2\r\n\r\n{}`.slice(0, random.int(60)), statuses: null }),
  random => ({ text: `${LIST}${randomBytes(random, 30).toString('latin1')}\r\n\r\n`, statuses: null }),
  () => ({ text: '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', statuses: null }),
  () => ({ text: 'SSH-2.0-OpenSSH_9.0\r\n', statuses: null }),
  () => ({ text: '*1\r\n$4\r\nPING\r\n', statuses: null }),
  () => ({ text: '', statuses: null }),
]

export function socketCase(random: Rng): SocketCase {
  const ending = random.chance(0.75) ? 'half-closes' : 'cuts'
  if (random.chance(0.45)) {
    const { text, statuses } = random.pick(HTTP1)(random)
    const bytes = Buffer.from(text, 'latin1')
    return statuses === null || random.chance(0.3)
      ? { bytes, ending, statuses: null }
      : { bytes, ending: 'waits', statuses }
  }
  if (random.chance(0.15)) return { bytes: randomBytes(random, random.int(300)), ending, statuses: null }
  if (random.chance(0.1))
    return { bytes: PREFACE.subarray(0, random.int(PREFACE.length + 1)), ending, statuses: null }
  const parts = [PREFACE, random.chance(0.8) ? SETTINGS : EMPTY, random.pick(HTTP2)(random)]
  return { bytes: Buffer.concat(parts), ending, statuses: null }
}
