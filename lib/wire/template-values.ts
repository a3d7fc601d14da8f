/**
 * Values of `{name}` placeholders in filters: TemplateValue messages as plain JavaScript values.
 *
 * The one recursive message of the protocol (arrays of arrays), so it is read by hand and its depth is bounded.
 * Int64 comes out as number when it is safe, else as bigint; doubles that are whole numbers as `Double`, so that they
 * are cast like the literal `2.0`; JSON elements as parsed values.
 */
import { parseJson } from '../base/json.js'
import { Double } from '../filter/fold.js'
import { malformed, ProtoReader, WireType } from './protobuf.js'

const DEPTH_MAX = 16

/** @throws MilvusError 1100 for malformed messages */
export function decodeTemplates(
  values: ReadonlyMap<string, Uint8Array | undefined>,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, bytes] of values) out[name] = decodeValue(new ProtoReader(bytes ?? new Uint8Array(0)), 0)
  return out
}

/** TemplateValue: 1 bool, 2 int64, 3 double, 4 string, 5 array, 6 bytes. */
function decodeValue(reader: ProtoReader, depth: number): unknown {
  let value: unknown
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) value = typed(reader, WireType.varint).bool()
    else if (field === 2) value = plain(typed(reader, WireType.varint).int64())
    else if (field === 3) value = double(typed(reader, WireType.fixed64).double())
    else if (field === 4) value = typed(reader, WireType.bytes).string()
    else if (field === 5) value = decodeArray(typed(reader, WireType.bytes).part(), depth + 1)
    else if (field === 6) value = typed(reader, WireType.bytes).bytes()
    else reader.skip()
  }
  return value
}

/** TemplateArrayValue: 1 bools, 2 longs, 3 doubles, 4 strings, 5 arrays, 6 JSON texts. */
function decodeArray(reader: ProtoReader, depth: number): unknown[] {
  if (depth > DEPTH_MAX) throw malformed(`template values nested deeper than ${DEPTH_MAX} levels`)
  const out: unknown[] = []
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field > 6) {
      reader.skip()
      continue
    }
    const list = typed(reader, WireType.bytes).part()
    for (let inner = list.next(); inner !== 0; inner = list.next()) {
      if (inner !== 1) list.skip()
      else if (field === 1) eachPacked(list, WireType.varint, r => out.push(r.bool()))
      else if (field === 2) eachPacked(list, WireType.varint, r => out.push(plain(r.int64())))
      else if (field === 3) eachPacked(list, WireType.fixed64, r => out.push(double(r.double())))
      else if (field === 4) out.push(typed(list, WireType.bytes).string())
      else if (field === 5) out.push(decodeArray(typed(list, WireType.bytes).part(), depth + 1))
      else out.push(jsonElement(typed(list, WireType.bytes).string()))
    }
  }
  return out
}

function eachPacked(reader: ProtoReader, wireType: number, read: (reader: ProtoReader) => void): void {
  if (reader.wireType === wireType) {
    read(reader)
    return
  }
  reader.expect(WireType.bytes)
  const packed = reader.part()
  while (packed.at < packed.end) read(packed)
}

function typed(reader: ProtoReader, wireType: number): ProtoReader {
  reader.expect(wireType)
  return reader
}

function double(value: number): number | Double {
  return Number.isInteger(value) ? new Double(value) : value
}

/** `2.0` and `2e0` are doubles, as they are in a filter. */
function jsonElement(text: string): unknown {
  const value = parseJson(text)
  return typeof value === 'number' && /[.eE]/.test(text) ? double(value) : value
}

function plain(value: bigint): number | bigint {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : value
}
