/**
 * Partition key isolation: whether a filter pins one value of the partition key (query-search-semantics §7.6).
 *
 * A question about the text's tree alone: a conjunct `key == value`, however deep inside other `and`s. The key under
 * `or`, under `not`, in a list or in a range does not pin one value and is refused by name, as Milvus does; the rest of
 * the filter may be anything.
 */
import { invalid } from '../base/errors.js'
import { type CompareOp, flipCompare, type Node } from './ast.js'
import { parseFilter } from './parser.js'

const OP_NAMES: Readonly<Record<Exclude<CompareOp, '=='>, string>> = {
  '!=': 'NotEqual',
  '<': 'LessThan',
  '<=': 'LessEqual',
  '>': 'GreaterThan',
  '>=': 'GreaterEqual',
}

/**
 * Checks that a filter says which partition key it is about.
 * @param text a filter that compiles
 * @param key name of the partition key field
 * @throws MilvusError ParameterInvalid with Milvus's texts
 */
export function checkIsolation(text: string, key: string): void {
  if (text.trim() !== '' && pins(parseFilter(text), key)) return
  throw invalid(
    'partition key not found in expr or the expr is invalid when validating partition key isolation',
  )
}

/** True when the node pins the key; throws where it mentions the key without pinning it. */
function pins(node: Node, key: string): boolean {
  switch (node.kind) {
    case 'and': {
      let found = false
      for (const item of node.items) if (pins(item, key)) found = true
      return found
    }
    case 'or':
      for (const item of node.items) if (pins(item, key)) throw refused('OR')
      return false
    case 'not':
      if (pins(node.operand, key)) throw refused('NOT')
      return false
    case 'in':
      if (isKey(node.left, key)) throw refused(node.negated ? 'NOT' : 'IN')
      return false
    case 'compare': {
      const onLeft = isKey(node.left, key)
      if (!onLeft && !isKey(node.right, key)) return false
      const op = onLeft ? node.op : flipCompare(node.op)
      if (op !== '==') throw refused(OP_NAMES[op])
      // Equal to another field is not one value.
      return (onLeft ? node.right : node.left).kind !== 'path'
    }
    case 'range':
      if (isKey(node.subject, key)) throw refused('range')
      return false
    default:
      return false
  }
}

function isKey(node: Node, key: string): boolean {
  return node.kind === 'path' && node.name === key && node.keys.length === 0
}

function refused(what: string): Error {
  return invalid(`partition key isolation does not support ${what}`)
}
