/**
 * Vectors as the protocol carries them: the members of a VectorField message, and the columns that dense ones make.
 *
 * One memory copy each; floats for the 16-bit types are rounded on the way (upsert-semantics §6.3).
 */
import { assert } from '../base/assert.js'
import { invalid, type MilvusError } from '../base/errors.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { FixedColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { bfloat16Into, float16Into } from '../schema/half-float.js'
import { bytesOfParts, elementParts, fixed, numbersOf } from './packed.js'
import { ProtoReader, WireType } from './protobuf.js'

/** Members of VectorField. */
const VECTOR = { dim: 1, float: 2, binary: 3, float16: 4, bfloat16: 5, sparse: 6, int8: 7 } as const

/** Dimension, member number and content of a VectorField message. */
export function vectorMember(payload: Uint8Array): { dim: number; kind: number; part: Uint8Array } {
  const reader = new ProtoReader(payload)
  let dim = 0
  let kind = 0
  let part: Uint8Array = new Uint8Array(0)
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === VECTOR.dim) {
      reader.expect(WireType.varint)
      dim = Number(reader.int64())
    } else if (field >= VECTOR.float && field <= VECTOR.int8) {
      reader.expect(WireType.bytes)
      kind = field
      part = reader.bytes()
    } else reader.skip()
  }
  return { dim, kind, part }
}

/** True when vectors of a type may come as this member of VectorField. */
export function takesVector(type: DataType, kind: number): boolean {
  switch (type) {
    case DataType.FloatVector:
      return kind === VECTOR.float
    case DataType.Float16Vector:
      return kind === VECTOR.float16 || kind === VECTOR.float
    case DataType.BFloat16Vector:
      return kind === VECTOR.bfloat16 || kind === VECTOR.float
    case DataType.BinaryVector:
      return kind === VECTOR.binary
    case DataType.SparseFloatVector:
      return kind === VECTOR.sparse
    case DataType.Int8Vector:
      return kind === VECTOR.int8
    default:
      return false
  }
}

/** The dense vectors in a member of VectorField. */
export function denseVectors(field: FieldSchema, kind: number, part: Uint8Array): FixedColumn {
  const { dim } = field
  if (kind === VECTOR.float) {
    const floats = numbersOf(elementParts(part, WireType.fixed32), 'f32', 4) as Float32Array
    if (floats.length % dim !== 0) throw notDivisible(`length(${floats.length}) of float data`, dim)
    if (field.dataType === DataType.FloatVector) return fixed(floats, dim)
    const words = new Uint16Array(floats.length)
    if (field.dataType === DataType.Float16Vector) float16Into(words, 0, floats, floats.length)
    else bfloat16Into(words, 0, floats, floats.length)
    return fixed(words, dim)
  }
  const bytes = bytesOfParts([part])
  switch (kind) {
    case VECTOR.binary:
      if ((bytes.length * 8) % dim !== 0) throw notDivisible(`num(${bytes.length * 8}) of all bits`, dim)
      return fixed(bytes, dim >>> 3)
    case VECTOR.float16:
    case VECTOR.bfloat16:
      if (bytes.length % (2 * dim) !== 0) {
        throw notDivisible(
          `length(${bytes.length}) of ${kind === VECTOR.float16 ? 'float16' : 'bfloat16'} data`,
          dim,
        )
      }
      return fixed(new Uint16Array(bytes.buffer), dim)
    case VECTOR.int8:
      if (bytes.length % dim !== 0) throw notDivisible(`length(${bytes.length}) of int8 data`, dim)
      return fixed(new Int8Array(bytes.buffer), dim)
    default:
      assert(false, `vector payload ${kind} is dense`)
  }
}

function notDivisible(what: string, dim: number): MilvusError {
  return invalid(`the ${what} should divide the dim(${dim})`)
}
