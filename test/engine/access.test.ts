/**
 * Users, roles, grants and privilege groups of the engine: what is kept, what is refused, and that a change is on disk
 * when it was answered, whole or not at all.
 */
import t from 'tap'
import { Logins } from '../../lib/engine/access-login.js'
import { hashPassword, verifyPassword } from '../../lib/engine/access-password.js'
import { AccessRules } from '../../lib/engine/access-rules.js'
import { rootPasswordIsDefault } from '../../lib/engine/access-users.js'
import { Engine } from '../../lib/engine/engine.js'
import { Database, open } from '../../lib/index.js'
import { FaultStore } from '../support/fault-store.js'

const ALICE = { username: 'alice', password: 'secret-1' }

/** Everything the access functions show, for comparisons across a reopen. */
async function everything(db: Database): Promise<object> {
  const roles = await db.listRoles()
  return {
    users: await Promise.all((await db.listUsers()).map(name => db.describeUser(name))),
    roles: await Promise.all(roles.map(role => db.describeRole(role))),
    grants: await Promise.all(roles.map(role => db.listGrants({ role }))),
    groups: (await db.listPrivilegeGroups()).slice(9),
  }
}

t.test('users, roles, grants and groups are there after a reopen', async t => {
  const directory = t.testdir()
  const db = await open(directory)
  t.strictSame(await db.listUsers(), ['root'])
  t.strictSame(await db.listRoles(), ['admin', 'public'])
  t.strictSame((await db.describeUser('root')).roles, ['admin'])
  await db.createUser({ ...ALICE, description: 'reads' })
  await db.createUser({ username: 'b.o-b_2', password: 'secret-2' })
  await db.createRole('reader', { description: 'may read' })
  await db.createRole('gone')
  await db.grantRole('alice', 'reader')
  await db.grantRole('alice', 'gone')
  await db.grantRole('alice', 'reader')
  await db.createPrivilegeGroup('reads')
  await db.addPrivilegesToGroup('reads', ['Query', 'PrivilegeSearch', 'Insert'])
  await db.removePrivilegesFromGroup('reads', ['Insert'])
  await db.grantPrivilegeV2({ role: 'reader', privilege: 'reads', collection: 'books' })
  await db.grantPrivilegeV2({
    role: 'reader',
    privilege: 'CollectionReadOnly',
    collection: '*',
    database: '*',
  })
  await db.grantPrivilege({
    role: 'reader',
    objectType: 'Global',
    objectName: '*',
    privilege: 'CreateCollection',
  })
  await db.grantPrivilege({ role: 'reader', objectType: 'Collection', objectName: 'b', privilege: 'Load' })
  await db.revokePrivilege({ role: 'reader', objectType: 'Collection', objectName: 'b', privilege: 'Load' })
  await db.alterRole('public', 'everybody')
  await db.dropRole('gone')
  await db.dropUser('b.o-b_2')
  await db.dropUser('b.o-b_2')
  const before = await everything(db)
  t.match(before, {
    users: [{ name: 'root' }, { name: 'alice', description: 'reads', roles: ['reader'] }],
    roles: [
      { name: 'admin' },
      { name: 'public', description: 'everybody' },
      { name: 'reader', users: ['alice'] },
    ],
    groups: [{ name: 'reads', privileges: ['Query', 'Search'] }],
  })
  t.strictSame(
    (await db.listGrants({ role: 'reader', database: 'default' })).map(grant => Object.values(grant)),
    [
      ['Global', 'books', 'default', 'reads', 'root'],
      ['Global', '*', '*', 'CollectionReadOnly', 'root'],
      ['Global', '*', 'default', 'CreateCollection', 'root'],
    ],
  )
  await db.close()
  const again = await open(directory)
  t.strictSame(await everything(again), before)
  await again.createUser({ username: 'late', password: 'secret-3' })
  t.strictSame(await again.listUsers(), ['root', 'alice', 'late'], 'order of creation')
  await again.close()
})

t.test('what is wrong is refused in the words clients know, and changes nothing', async t => {
  const db = await open(t.testdir())
  await db.createUser(ALICE)
  await db.createRole('reader')
  await db.createPrivilegeGroup('mine')
  const before = await everything(db)
  const refused: readonly (readonly [string, () => Promise<unknown>, number, RegExp])[] = [
    ['same user', () => db.createUser(ALICE), 65535, /^user already exists: alice$/],
    ['user name', () => db.createUser({ username: '1a', password: 'secret' }), 1100, /invalid user name 1a/],
    [
      'user name',
      () => db.createUser({ username: 'a b', password: 'secret' }),
      1100,
      /invalid user name a b/,
    ],
    [
      'long name',
      () => db.createUser({ username: 'a'.repeat(33), password: 'secret' }),
      1100,
      /invalid username/,
    ],
    [
      'no name',
      () => db.createUser({ username: '', password: 'secret' }),
      1100,
      /username must be not empty/,
    ],
    [
      'short',
      () => db.createUser({ username: 'c', password: '12345' }),
      1100,
      /^invalid password length: invalid parameter\[5 out of range 6 <= value <= 72\]$/,
    ],
    [
      'long',
      () => db.createUser({ username: 'c', password: 'x'.repeat(73) }),
      1100,
      /invalid password length/,
    ],
    [
      'no text',
      () => db.createUser({ username: 'c', password: 5 as never }),
      1100,
      /password: expected text/,
    ],
    ['unknown key', () => db.createUser({ ...ALICE, pasword: 'x' } as never), 1100, /unknown option/],
    [
      'old password',
      () => db.updatePassword({ username: 'alice', oldPassword: 'no', newPassword: 'secret-9' }),
      1400,
      /^old password not correct for alice: not authenticated$/,
    ],
    ['unknown user', () => db.updatePassword({ username: 'who', newPassword: 'secret-9' }), 1400, /who/],
    ['root stays', () => db.dropUser('root'), 1401, /root user cannot be deleted/],
    ['same role', () => db.createRole('reader'), 65535, /^role \[name:"reader"\] already exists$/],
    ['role name', () => db.createRole('no-minus'), 1100, /Invalid role name: no-minus/],
    [
      'unknown role',
      () => db.dropRole('who'),
      65535,
      /^not found the role, maybe the role isn't existed or internal system error$/,
    ],
    ['built-in role', () => db.dropRole('admin', { force: true }), 65535, /default role/],
    ['unknown role', () => db.grantRole('alice', 'who'), 65535, /not found the role/],
    ['unknown user', () => db.grantRole('who', 'reader'), 65535, /not found the user/],
    [
      'privilege',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: 'Fly', collection: '*' }),
      1100,
      /not found the privilege name\[Fly\]/,
    ],
    [
      'level',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: 'CreateOwnership', collection: 'x' }),
      1100,
      /should be \* for the cluster level/,
    ],
    [
      'level',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: 'CreateCollection', collection: 'x' }),
      1100,
      /should be \* for the database level/,
    ],
    [
      'no collection',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: 'Insert' }),
      1100,
      /collectionName should not be empty/,
    ],
    [
      'no collection',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: '*' }),
      1100,
      /collectionName should not be empty/,
    ],
    [
      'database',
      () => db.grantPrivilegeV2({ role: 'reader', privilege: 'Insert', collection: '*', database: 'who' }),
      800,
      /database not found/,
    ],
    [
      'object type',
      () => db.grantPrivilege({ role: 'reader', objectType: 'Thing', objectName: '*', privilege: 'Insert' }),
      1100,
      /not found the object type\[name: Thing\]/,
    ],
    [
      'wrong type',
      () => db.grantPrivilege({ role: 'reader', objectType: 'User', objectName: '*', privilege: 'Insert' }),
      1100,
      /not found the privilege name\[Insert\] in object\[User\]/,
    ],
    ['group name', () => db.createPrivilegeGroup('a b'), 1402, /privilege group name/],
    ['taken', () => db.createPrivilegeGroup('Insert'), 65535, /defined by built in privileges/],
    ['taken', () => db.createPrivilegeGroup('mine'), 65535, /already exists/],
    [
      'unknown group',
      () => db.addPrivilegesToGroup('who', ['Insert']),
      65535,
      /no privilege group name \[who\]/,
    ],
    ['levels', () => db.addPrivilegesToGroup('mine', ['Insert', 'CreateDatabase']), 65535, /one level/],
  ]
  for (const [name, work, code, message] of refused) await t.rejects(work(), { code, message }, name)
  t.strictSame(await everything(db), before)
  await db.grantPrivilegeV2({ role: 'reader', privilege: 'mine', collection: '*', database: '*' })
  await t.rejects(db.dropPrivilegeGroup('mine'), { code: 65535, message: /used by role \[reader\]/ })
  await t.rejects(db.dropRole('reader'), { code: 65535, message: /it has privileges/ })
  await db.dropRole('reader', { force: true })
  await db.dropPrivilegeGroup('mine')
  for (let i = 0; i < 8; i++) await db.createRole(`r${i}`)
  await t.rejects(db.createRole('r8'), { code: 65535, message: /reached the limit/ })
  await db.close()
})

t.test('a crash or a failing disk leaves a change done or not done', async t => {
  const store = new FaultStore({ seed: 7 })
  const engine = await Engine.open(t.testdir(), {}, { store })
  const db = new Database(engine)
  await db.createUser(ALICE)
  await db.createRole('reader')
  await db.grantRole('alice', 'reader')
  const before = await everything(db)
  store.failWrite(1)
  await t.rejects(db.dropRole('reader'), { code: 1001 })
  t.strictSame(await everything(db), before, 'memory shows what is on disk')
  await db.createRole('second')
  const acknowledged = await everything(db)
  const survived = new Database(await Engine.open(t.testdir(), {}, { store: store.crash(0) }))
  t.strictSame(await everything(survived), acknowledged)
  await survived.close()
})

t.test('passwords: salted hashes; a login is remembered until the password changes', async t => {
  const [a, b] = [await hashPassword('secret'), await hashPassword('secret')]
  t.not(a.hash, b.hash)
  t.notMatch(JSON.stringify(a), /secret/)
  t.equal(await verifyPassword(a, 'secret'), true)
  t.equal(await verifyPassword(a, 'Secret'), false)
  t.equal(await verifyPassword(undefined, 'secret'), false)

  const db = await open(t.testdir())
  const { engine } = db
  t.equal(await rootPasswordIsDefault(engine), true)
  const logins = new Logins(engine.access, { nowMs: () => 0, pause: async () => undefined })
  await db.createUser(ALICE)
  t.equal(await logins.check('root', 'Milvus'), true)
  t.equal(logins.check('root', 'Milvus'), true, 'at once')
  t.equal(await logins.check('alice', ALICE.password), true)
  await db.createRole('reader')
  await db.grantRole('alice', 'reader')
  t.equal(logins.check('alice', ALICE.password), true, 'roles do not matter')
  t.equal(await logins.check('alice', 'wrong'), false)
  t.equal(await logins.check('', ''), false)
  await db.updatePassword({ username: 'alice', newPassword: 'secret-2', oldPassword: ALICE.password })
  t.equal(await logins.check('alice', ALICE.password), false, 'the old password is gone at once')
  t.equal(await logins.check('alice', 'secret-2'), true)
  await db.dropUser('alice')
  t.equal(await logins.check('alice', 'secret-2'), false, 'and so is a dropped user')
  await db.close()
})

t.test('failures slow a user down, more each time, and a remembered login does not wait', async t => {
  const db = await open(t.testdir())
  await db.createUser(ALICE)
  const pauses: number[] = []
  let now = 1_000_000
  const logins = new Logins(db.engine.access, {
    nowMs: () => now,
    pause: async ms => void pauses.push(ms),
  })
  t.equal(await logins.check('alice', ALICE.password), true)
  for (let i = 0; i < 6; i++) t.equal(await logins.check('alice', `wrong-${i}`), false)
  t.strictSame(pauses, [50, 100, 200, 400, 800, 1_000])
  t.equal(logins.check('alice', ALICE.password), true)
  now += 61_000
  await logins.check('alice', 'wrong')
  t.equal(pauses.at(-1), 50, 'forgotten after a quiet minute')
  const many = Array.from({ length: 40 }, (_, i) => logins.check('nobody', `x${i}`))
  const outcomes = await Promise.allSettled(many)
  t.equal(outcomes.filter(one => one.status === 'fulfilled').length, 16)
  t.match(outcomes.at(-1), { status: 'rejected', reason: { code: 4 } }, 'the line is bounded')
  const fresh = new Logins(db.engine.access, { nowMs: () => now, pause: async () => undefined })
  const pool = Array.from({ length: 100 }, () => fresh.check('alice', ALICE.password))
  t.ok((await Promise.all(pool)).every(Boolean), 'a pool of connections is one attempt')
  await db.close()
})

t.test('rules: which grant covers what', async t => {
  const db = await open(t.testdir())
  await db.createDatabase('other')
  const rules = new AccessRules(db.engine.access)
  const may = (privilege: string, name = '*', database = 'default') =>
    rules.permits('alice', privilege, database, [name])
  await db.createUser(ALICE)
  t.ok(may('DescribeCollection', 'x'), 'everybody has the role public')
  t.notOk(may('Insert', 'x'))
  await db.createRole('r')
  await db.grantRole('alice', 'r')
  await db.grantPrivilegeV2({ role: 'r', privilege: 'Insert', collection: 'x' })
  t.ok(may('Insert', 'x'))
  t.notOk(may('Insert', 'y'))
  t.notOk(may('Insert', 'x', 'other'))
  t.notOk(may('Delete', 'x'))
  t.notOk(rules.permits('alice', 'Insert', 'default', ['x', 'y']), 'all names must be covered')
  t.ok(rules.sees('alice', 'default', 'x'))
  t.notOk(rules.sees('alice', 'default', 'y'))
  t.notOk(rules.sees('alice', 'other'))
  await db.grantPrivilegeV2({ role: 'r', privilege: 'Load', collection: '*', database: 'other' })
  t.ok(may('GetLoadState', 'any', 'other'), 'whoever may load may watch it')
  t.notOk(may('Load', '*'))
  await db.grantPrivilegeV2({ role: 'r', privilege: '*', collection: 'z' })
  t.ok(may('DropIndex', 'z'))
  t.notOk(may('CreateOwnership'), 'all privileges of one collection are not all privileges')
  await db.grantPrivilege({ role: 'r', objectType: 'User', objectName: '*', privilege: '*' })
  t.ok(may('UpdateUser', 'bob'))
  t.notOk(may('Query', 'bob'))
  await db.createPrivilegeGroup('g')
  await db.addPrivilegesToGroup('g', ['Query'])
  await db.grantPrivilegeV2({ role: 'r', privilege: 'g', collection: 'x' })
  t.notOk(may('Upsert', 'x'))
  await db.addPrivilegesToGroup('g', ['Upsert'])
  t.ok(may('Upsert', 'x'), 'a group that grows counts at once')
  await db.revokeRole('alice', 'r')
  t.notOk(may('Insert', 'x'))
  await db.grantRole('alice', 'admin')
  t.ok(may('CreateOwnership'))
  await db.dropUser('alice')
  t.notOk(may('DescribeCollection', 'x'), 'a user that is gone may nothing')
  t.ok(rules.permits('root', 'DropDatabase', 'default', ['*']))
  await db.close()
})
