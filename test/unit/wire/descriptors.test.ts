/**
 * Our message tables against the descriptors that ship with Milvus's own Node SDK: every field we name must exist there
 * with the same number, type and repetition. The SDK is a development dependency only.
 */
import { createRequire } from 'node:module'
import t from 'tap'
import { METHODS, REFUSED } from '../../../lib/wire/descriptors.js'
import type { Message } from '../../../lib/wire/message.js'

interface JsonField {
  readonly id: number
  readonly type: string
  readonly rule?: string
  readonly keyType?: string
}
interface JsonNode {
  readonly nested?: Record<string, JsonNode>
  readonly fields?: Record<string, JsonField>
  readonly values?: Record<string, number>
  readonly methods?: Record<string, { requestType: string; responseType: string }>
}
interface TableField {
  readonly number: number
  readonly kind: string
  readonly label: string
  readonly of?: Message<object>
}

const load = createRequire(import.meta.url)
const root = (load('@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.base.js') as { default: JsonNode })
  .default
const packages = ['milvus.proto.milvus', 'milvus.proto.common', 'milvus.proto.schema']

function at(path: string): JsonNode | undefined {
  let node: JsonNode | undefined = root
  for (const step of path.split('.')) node = node?.nested?.[step]
  return node
}

/** A type named inside a message: nested first, then its package, then the others. */
function resolve(name: string, inside: string): string | undefined {
  const scopes: string[] = []
  for (let scope = inside; scope !== ''; scope = scope.split('.').slice(0, -1).join('.')) scopes.push(scope)
  return [...scopes, ...packages].map(scope => `${scope}.${name}`).find(path => at(path) !== undefined)
}

const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())

/** Kinds of ours that may stand for a declared type. */
function kindsFor(type: string, path: string | undefined): string[] {
  if (path !== undefined) return at(path)?.values !== undefined ? ['int32'] : ['message', 'part']
  if (type === 'string') return ['text']
  if (type === 'int64') return ['int64', 'count']
  if (type === 'bytes') return ['bytes', 'part']
  return [type]
}

t.test('every table agrees with the descriptors of the Milvus SDK', async t => {
  const seen = new Set<string>()
  const wrong: string[] = []
  const check = (table: Message<object>, path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const fields = at(path)?.fields
    if (fields === undefined) {
      wrong.push(`${path} is unknown`)
      return
    }
    for (const [name, ours] of Object.entries(table.shape as Record<string, TableField>)) {
      const label = `${path}.${name}`
      const theirs = fields[camel(name)] ?? fields[name]
      if (theirs === undefined) {
        wrong.push(`${label} is unknown`)
        continue
      }
      const inner = resolve(theirs.type, path)
      if (theirs.id !== ours.number) wrong.push(`${label} is number ${theirs.id}`)
      const packed = theirs.rule === 'repeated' && ours.kind === 'part' && ours.label !== 'many'
      if (!packed && !kindsFor(theirs.type, inner).includes(ours.kind))
        wrong.push(`${label} is ${theirs.type}`)
      if (!packed && (theirs.rule === 'repeated') !== (ours.label === 'many'))
        wrong.push(`${label}: ${theirs.rule}`)
      if ((theirs.keyType !== undefined) !== (ours.label === 'map')) wrong.push(`${label}: map`)
      if (ours.of !== undefined && inner !== undefined) check(ours.of, inner)
    }
  }
  const methods = at('milvus.proto.milvus.MilvusService')?.methods ?? {}
  for (const [name, { request, response }] of Object.entries(METHODS)) {
    const theirs = methods[name]
    if (theirs === undefined) {
      wrong.push(`method ${name} is unknown`)
      continue
    }
    check(request as Message<object>, resolve(theirs.requestType, 'milvus.proto.milvus')!)
    check(response as Message<object>, resolve(theirs.responseType, 'milvus.proto.milvus')!)
  }
  t.same(wrong, [])
  t.ok(seen.size > 100, `${seen.size} tables compared`)
})

t.test('every method of the service is served or refused by name', async t => {
  const theirs = Object.keys(at('milvus.proto.milvus.MilvusService')?.methods ?? {})
  const missing = theirs.filter(name => !(name in METHODS) && !(name in REFUSED))
  t.same(missing, [])
  t.same(
    Object.keys(METHODS).filter(name => name in REFUSED),
    [],
    'and never both',
  )
})
