/**
 * Ways to spoil bytes that were valid: each takes a generator and bytes and gives other bytes, never changing its input.
 *
 * Blind ones (flip, cut, repeat) and ones that know protobuf: they walk the tags of a message, so that a lie lands in a
 * length, a field number or a wire type and not just anywhere.
 */
import type { Rng } from '../../support/rng.js'

type Spoil = (random: Rng, bytes: Buffer) => Buffer

/** Varints that hurt: longest, too long, largest 32-bit length, 2^63. */
const VARINTS = [
  'ffffffffffffffffff01',
  'ffffffffffffffffffffffff01',
  'ffffffff0f',
  '80808080808080808001',
  'ff',
]

/** Offset of a random tag of a message, at a random depth; null when there is none. */
function tagAt(random: Rng, bytes: Buffer): { tag: number; value: number; wireType: number } | null {
  let from = 0
  let to = bytes.length
  let found: { tag: number; value: number; wireType: number } | null = null
  for (let depth = 0; depth < 6; depth++) {
    const tags: { tag: number; value: number; wireType: number; end: number }[] = []
    for (let at = from; at < to; ) {
      const tag = at
      const key = varint(bytes, at)
      if (key === null) break
      const wireType = key.value & 7
      let end = key.end
      if (wireType === 0) end = varint(bytes, end)?.end ?? to + 1
      else if (wireType === 1) end += 8
      else if (wireType === 5) end += 4
      else if (wireType === 2) {
        const length = varint(bytes, end)
        end = length === null ? to + 1 : length.end + length.value
      } else break
      if (end > to) break
      tags.push({ tag, value: key.end, wireType, end })
      at = end
    }
    if (tags.length === 0) return found
    const chosen = random.pick(tags)
    found = chosen
    if (chosen.wireType !== 2 || random.chance(0.3)) return found
    from = varint(bytes, chosen.value)!.end
    to = chosen.end
  }
  return found
}

function varint(bytes: Buffer, at: number): { value: number; end: number } | null {
  let value = 0
  for (let i = 0; i < 5 && at + i < bytes.length; i++) {
    const byte = bytes[at + i]!
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, end: at + i + 1 }
  }
  return null
}

function spliced(bytes: Buffer, at: number, removed: number, added: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
}

export function randomBytes(random: Rng, length: number): Buffer {
  const out = Buffer.alloc(length)
  for (let i = 0; i < length; i++) out[i] = random.int(256)
  return out
}

const flip: Spoil = (random, bytes) => {
  const out = Buffer.from(bytes)
  for (let i = random.between(1, 8); i > 0 && out.length > 0; i--)
    out[random.int(out.length)] = random.int(256)
  return out
}
const cut: Spoil = (random, bytes) => bytes.subarray(0, random.int(bytes.length + 1))
const insert: Spoil = (random, bytes) =>
  spliced(bytes, random.int(bytes.length + 1), 0, randomBytes(random, random.between(1, 20)))
const repeat: Spoil = (random, bytes) => {
  const from = random.int(bytes.length + 1)
  const slice = bytes.subarray(from, from + random.between(1, 64))
  return Buffer.concat([
    bytes.subarray(0, from),
    ...Array.from({ length: random.between(2, 40) }, () => slice),
  ])
}
const bomb: Spoil = (random, bytes) =>
  spliced(bytes, random.int(bytes.length + 1), random.int(3), Buffer.from(random.pick(VARINTS), 'hex'))
const anything: Spoil = random => randomBytes(random, random.int(200))

const otherField: Spoil = (random, bytes) => {
  const found = tagAt(random, bytes)
  if (found === null) return anything(random, bytes)
  const tag = random.chance() ? (random.between(0, 31) << 3) | found.wireType : random.int(128)
  return spliced(bytes, found.tag, 1, Buffer.of(tag))
}
const otherValue: Spoil = (random, bytes) => {
  const found = tagAt(random, bytes)
  if (found === null) return bomb(random, bytes)
  if (found.wireType === 1 || found.wireType === 5) {
    const strange = random.pick(['0000c07f', '0000807f', 'ffffffff', '00000080'])
    return spliced(bytes, found.value, 4, Buffer.from(strange, 'hex'))
  }
  return spliced(
    bytes,
    found.value,
    1,
    random.chance() ? Buffer.of(random.int(128)) : Buffer.from(random.pick(VARINTS), 'hex'),
  )
}
/** The message inside itself, many levels deep, under a field number that may hold messages. */
const nest: Spoil = (random, bytes) => {
  let out: Buffer = bytes.subarray(0, 64)
  const tag = (random.between(1, 12) << 3) | 2
  for (let depth = random.pick([3, 30, 300, 2_000]); depth > 0; depth--) {
    const length = out.length
    const head =
      length < 128 ? [tag, length] : length < 16_384 ? [tag, (length & 0x7f) | 0x80, length >> 7] : null
    if (head === null) break
    out = Buffer.concat([Buffer.from(head), out])
  }
  return out
}

const BLIND = [flip, cut, insert, repeat, anything]
const KNOWING = [otherField, otherValue, otherValue, bomb, nest]

/** Bytes that are no longer what they were; one to three things go wrong. */
export function spoil(random: Rng, bytes: Buffer): Buffer {
  let out = bytes
  for (let i = random.pick([1, 1, 1, 2, 3]); i > 0; i--) {
    out = random.pick(random.chance(0.6) ? KNOWING : BLIND)(random, out)
  }
  return out
}

/** The same for text, without knowing protobuf. */
export function spoilText(random: Rng, bytes: Buffer): Buffer {
  return random.pick(BLIND)(random, bytes)
}
