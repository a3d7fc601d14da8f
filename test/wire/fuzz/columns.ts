/** Bulk parts of requests that are right in themselves: columns, query vectors, ids, template values. */
import { encode } from '../../../lib/wire/message.js'
import { PlaceholderGroup } from '../../../lib/wire/messages/common.js'
import { ProtoWriter, WireType } from '../../../lib/wire/protobuf.js'
import type { Rng } from '../../support/rng.js'
import { DIM, FILTERS, hostile, NUMBERS, SCHEMA } from './vocabulary.js'

type Field = (typeof SCHEMA)[number]

/** Bytes of one vector of a type. */
export function vectorBytes(random: Rng, type: number, dim = DIM): Buffer {
  if (type === 101) return Buffer.from(Float32Array.from(random.vector(dim)).buffer)
  if (type === 100) return fill(random, dim / 8)
  if (type === 102 || type === 103) return fill(random, dim * 2, 0x3b)
  if (type === 105) return fill(random, dim)
  const out = Buffer.alloc(3 * 8)
  for (let i = 0; i < 3; i++) {
    out.writeUInt32LE(i * 7 + random.int(7), i * 8)
    out.writeFloatLE(random.next(), i * 8 + 4)
  }
  return out
}

/** Random bytes below a limit (a float16 below 0x3c00 is a small positive number). */
function fill(random: Rng, length: number, below = 256): Buffer {
  return Buffer.from(Array.from({ length: Math.max(1, Math.floor(length)) }, () => random.int(below)))
}

function packed(writer: ProtoWriter, field: number, write: (writer: ProtoWriter) => void): void {
  writer.begin(field)
  writer.begin(1)
  write(writer)
  writer.end()
  writer.end()
}

function strings(writer: ProtoWriter, field: number, values: readonly string[]): void {
  writer.begin(field)
  for (const value of values) {
    writer.tag(1, WireType.bytes)
    writer.string(value)
  }
  writer.end()
}

function scalars(writer: ProtoWriter, random: Rng, field: Field, rows: number): void {
  const each = <T>(make: () => T): T[] => Array.from({ length: rows }, make)
  const times = (write: () => void): void => {
    for (let i = 0; i < rows; i++) write()
  }
  if (field.type === 5) packed(writer, 3, w => times(() => w.int64(BigInt(random.int(50)))))
  else if (field.type === 4) packed(writer, 2, w => times(() => w.int32(random.int(1_000) - 500)))
  else if (field.type === 1) packed(writer, 1, w => times(() => w.uint32(random.int(2))))
  else if (field.type === 11) packed(writer, 5, w => times(() => w.double(random.gauss())))
  else if (field.type === 23) {
    const texts = ['{"a":1}', '[1]', '{}', 'null', '{"a":{"b":[1]}}', '1e400']
    strings(
      writer,
      9,
      each(() => random.pick(texts)),
    )
  } else if (field.type === 22) {
    writer.begin(8)
    times(() => {
      writer.begin(1)
      strings(
        writer,
        6,
        Array.from({ length: random.int(4) }, () => random.letters(2)),
      )
      writer.end()
    })
    writer.tag(2, WireType.varint)
    writer.uint32(21)
    writer.end()
  } else {
    strings(
      writer,
      6,
      each(() => (random.chance(0.1) ? hostile(random) : random.letters(5))),
    )
  }
}

/** Members of VectorField by type. */
const VECTORS: Readonly<Record<number, number>> = { 101: 2, 100: 3, 102: 4, 103: 5, 104: 6, 105: 7 }

/** One FieldData message. */
export function fieldData(random: Rng, field: Field, rows: number): Buffer {
  const writer = new ProtoWriter()
  writer.tag(1, WireType.varint)
  writer.uint32(field.type)
  writer.tag(2, WireType.bytes)
  writer.string(field.name)
  if (field.type < 100) {
    writer.begin(3)
    scalars(writer, random, field, rows)
    writer.end()
    return writer.finish()
  }
  const values = Array.from({ length: rows }, () => vectorBytes(random, field.type))
  const member = VECTORS[field.type]!
  writer.begin(4)
  writer.tag(1, WireType.varint)
  writer.uint32(DIM)
  writer.begin(member)
  if (field.type === 101) {
    writer.tag(1, WireType.bytes)
    writer.bytes(Buffer.concat(values))
  } else if (field.type === 104) {
    for (const value of values) {
      writer.tag(1, WireType.bytes)
      writer.bytes(value)
    }
  } else for (const value of values) writer.raw(value)
  writer.end()
  writer.end()
  return writer.finish()
}

/** The columns of some rows of `books`, now and then one too few, one too many or one of another length. */
export function columns(random: Rng, rows: number): Buffer[] {
  const wrong = random.chance(0.3)
  const fields = SCHEMA.filter(() => !wrong || random.chance(0.9))
  const parts = fields.map(field =>
    fieldData(random, field, wrong && random.chance(0.2) ? random.int(5) : rows),
  )
  return wrong && random.chance() && parts[0] !== undefined ? [...parts, parts[0]] : parts
}

/** A PlaceholderGroup with `count` query vectors of a type. */
export function placeholders(random: Rng, type: number, count: number): Buffer {
  const dim = random.chance(0.9) ? DIM : random.pick([1, 7, 4096])
  const values = Array.from({ length: count }, () => vectorBytes(random, type, dim))
  return encode(PlaceholderGroup, {
    placeholders: [{ tag: '$0', type: random.chance(0.9) ? type : random.int(310), values }],
  })
}

/** IDs: numbers or texts. */
export function ids(random: Rng): Buffer {
  const writer = new ProtoWriter()
  if (random.chance())
    packed(writer, 1, w => w.int64(BigInt(random.pick(NUMBERS.filter(Number.isSafeInteger)))))
  else strings(writer, 2, [hostile(random)])
  return writer.finish()
}

/** A TemplateValue, lists of lists included. */
export function template(random: Rng, depth = 0): Buffer {
  const writer = new ProtoWriter()
  const kind = random.int(6)
  writer.tag(
    kind < 2 ? 2 : kind === 2 ? 3 : kind === 3 ? 1 : kind === 4 ? 4 : 5,
    kind < 2 || kind === 3 ? WireType.varint : kind === 2 ? WireType.fixed64 : WireType.bytes,
  )
  if (kind < 2) writer.int64(BigInt(random.int(100)))
  else if (kind === 2) writer.double(random.gauss())
  else if (kind === 3) writer.uint32(1)
  else if (kind === 4) writer.string(random.pick(FILTERS))
  else writer.bytes(listTemplate(random, depth))
  return writer.finish()
}

function listTemplate(random: Rng, depth: number): Buffer {
  const writer = new ProtoWriter()
  if (depth < 20 && random.chance(depth === 0 ? 0.3 : 0.9)) {
    writer.begin(5)
    writer.tag(1, WireType.bytes)
    writer.bytes(listTemplate(random, depth + 1))
    writer.end()
  }
  if (random.chance()) packed(writer, 2, w => [1, 2, 3].forEach(n => void w.int64(BigInt(n))))
  else strings(writer, random.pick([4, 6]), ['1', hostile(random)])
  return writer.finish()
}
