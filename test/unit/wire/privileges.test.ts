/** The table of needed privileges against the option that the protocol's descriptors carry on every request message. */
import { createRequire } from 'node:module'
import t from 'tap'
import { BUILT_IN_GROUPS, objectTypeOf } from '../../../lib/engine/access-privileges.js'
import { METHODS, type MethodName } from '../../../lib/wire/descriptors.js'
import { NEEDS } from '../../../lib/wire/privileges.js'

interface Node {
  readonly nested: Record<string, Node>
  readonly options?: Record<string, string | number>
  readonly values?: Record<string, number>
  readonly methods?: Record<string, { requestType: string }>
}

const load = createRequire(import.meta.url)
const root = (load('@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.base.js') as { default: Node })
  .default
const proto = root.nested['milvus']!.nested['proto']!
const messages = proto.nested['milvus']!.nested
const OPTION = '(common.privilege_ext_obj).'

t.test('every served method needs what the protocol says', async t => {
  const methods = messages['MilvusService']!.methods!
  for (const name of Object.keys(METHODS) as MethodName[]) {
    const options = messages[methods[name]!.requestType]?.options
    const privilege = options?.[`${OPTION}object_privilege`]
    const need = NEEDS[name]
    t.equal(need === undefined ? undefined : `Privilege${need.privilege}`, privilege, name)
    if (need === undefined) continue
    t.equal(objectTypeOf(need.privilege), options?.[`${OPTION}object_type`], `${name}: object type`)
    for (const field of [need.names, need.user]) {
      if (field !== undefined) t.ok(field in METHODS[name].request.shape, `${name} has ${field}`)
    }
  }
})

t.test('every privilege of the protocol is known, and groups hold known ones', async t => {
  const values = Object.keys(proto.nested['common']!.nested['ObjectPrivilege']!.values!)
  const names = values
    .filter(name => name !== 'PrivilegeAll' && !name.startsWith('PrivilegeGroup'))
    .map(name => name.replace(/^Privilege/, ''))
  t.strictSame(
    names.filter(name => objectTypeOf(name) === undefined),
    [],
  )
  for (const [group, members] of BUILT_IN_GROUPS) {
    t.strictSame(
      members.filter(name => !names.includes(name)),
      [],
      group,
    )
    t.ok(values.includes(`PrivilegeGroup${group}`), group)
  }
  t.equal(BUILT_IN_GROUPS.size, 9)
})
