/**
 * Authentication and privileges through both doors, with Milvus's own Node SDK as the client: who comes in, who may do
 * what, what those are told who may not, and that there is no way around.
 */
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { DataType, MilvusClient, Privileges, RbacObjects } from '@zilliz/milvus2-sdk-node'
import t, { type Test } from 'tap'
import { open } from '../../lib/index.js'
import { PermissionError } from '../../lib/wire/auth.js'
import type { MethodName } from '../../lib/wire/descriptors.js'
import { engineGuard } from '../../lib/wire/guard.js'
import { connect, poster, ROOT, serveWithAuth } from './login.js'

const DENIED = 7
const UNAUTHENTICATED = 16

async function createCollection(client: MilvusClient, collection_name: string): Promise<void> {
  const created = await client.createCollection({
    collection_name,
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
    ],
    index_params: [{ field_name: 'vector', index_type: 'AUTOINDEX', metric_type: 'L2' }],
  })
  if (created.error_code !== 'Success') throw new Error(String(created.reason))
  await client.loadCollectionSync({ collection_name })
}

const success = (t: Test, status: { error_code: unknown; reason?: unknown }) =>
  t.equal(status.error_code, 'Success', String(status.reason))

t.test('the calls of the SDK about users, roles, grants and groups', async t => {
  const served = await serveWithAuth(t)
  const client = await connect(t, served, ROOT)
  success(t, await client.createUser({ username: 'alice', password: 'secret-1', description: 'reads' }))
  t.match(await client.createUser({ username: 'alice', password: 'secret-1' }), {
    error_code: 'CreateCredentialFailure',
    code: 65535,
    reason: 'user already exists: alice',
  })
  t.match(await client.createUser({ username: 'bob', password: 'short' }), { code: 1100 })
  t.strictSame((await client.listUsers()).usernames, ['root', 'alice'])
  success(t, await client.updateUser({ username: 'alice', oldPassword: 'secret-1', newPassword: 'secret-2' }))
  success(t, await client.updateUser({ username: 'alice', description: 'reads a lot' } as never))
  t.match(await client.updateUser({ username: 'alice', oldPassword: 'secret-1', newPassword: 'secret-3' }), {
    code: 1400,
    error_code: 'UnexpectedError',
    reason: 'old password not correct for alice: not authenticated',
  })

  success(t, await client.createRole({ roleName: 'reader' }))
  t.match(await client.createRole({ roleName: 'reader' }), { error_code: 'CreateRoleFailure', code: 65535 })
  success(t, await client.alterRole({ roleName: 'reader', description: 'may read' }))
  success(t, await client.addUserToRole({ username: 'alice', roleName: 'reader' }))
  t.equal((await client.hasRole({ roleName: 'reader' })).hasRole, true)
  t.match((await client.listRoles()).results, [{ role: { name: 'admin' } }, { role: { name: 'public' } }, {}])
  t.match((await client.describeRole({ roleName: 'reader' })).results, [
    { role: { name: 'reader', description: 'may read' }, users: [{ name: 'alice' }] },
  ])
  t.match((await client.describeUser({ username: 'alice' })).results, [
    { user: { name: 'alice' }, roles: [{ name: 'reader' }], description: 'reads a lot' },
  ])
  t.strictSame((await client.describeUser({ username: 'nobody' })).results, [])

  const grant = {
    roleName: 'reader',
    object: RbacObjects.Collection,
    objectName: '*',
    privilegeName: Privileges.Query,
  }
  success(t, await client.grantPrivilege(grant))
  const scoped = { role: 'reader', privilege: 'CollectionReadOnly', db_name: '*', collection_name: 'books' }
  success(t, await client.grantPrivilegeV2(scoped))
  t.match((await client.listGrants({ roleName: 'reader' })).entities, [
    {
      role: { name: 'reader' },
      object: { name: 'Collection' },
      object_name: '*',
      db_name: 'default',
      grantor: { user: { name: 'root' }, privilege: { name: 'Query' } },
    },
    { object: { name: 'Global' }, object_name: 'books', db_name: '*' },
  ])
  t.match(
    (await client.selectGrant({ roleName: 'reader', object: 'Collection', objectName: '*' } as never))
      .entities,
    [{ grantor: { privilege: { name: 'Query' } } }],
  )
  t.match(await client.dropRole({ roleName: 'reader' }), { error_code: 'DropRoleFailure' })
  success(t, await client.revokePrivilege(grant))
  success(t, await client.revokePrivilegeV2(scoped))
  t.strictSame((await client.listGrants({ roleName: 'reader' })).entities, [])

  success(t, await client.createPrivilegeGroup({ group_name: 'mine' }))
  success(t, await client.addPrivilegesToGroup({ group_name: 'mine', privileges: ['Query', 'Insert'] }))
  success(t, await client.removePrivilegesFromGroup({ group_name: 'mine', privileges: ['Insert'] }))
  const groups = (await client.listPrivilegeGroups()).privilege_groups
  t.equal(groups.length, 10, 'nine built-in ones')
  t.match(groups[9], { group_name: 'mine', privileges: [{ name: 'Query' }] })
  success(t, await client.dropPrivilegeGroup({ group_name: 'mine' }))

  success(t, await client.removeUserFromRole({ username: 'alice', roleName: 'reader' }))
  success(t, await client.dropRole({ roleName: 'reader' }))
  success(t, await client.deleteUser({ username: 'alice' }))
  success(t, await client.deleteUser({ username: 'alice' }))
  t.match(await client.deleteUser({ username: 'root' }), { code: 1401 })
  t.strictSame(served.warnings, [])
})

t.test('who is not known does not come in, and is told so in the words clients match', async t => {
  const served = await serveWithAuth(t)
  const attempt = async (login: object) => {
    const client = new MilvusClient({ address: served.address, timeout: 5_000, ...login })
    t.teardown(() => client.closeConnection())
    return client.connectPromise.then(
      () => null,
      error => error as Error & { code?: number },
    )
  }
  t.match(await attempt({}), { code: UNAUTHENTICATED, message: /missing authorization in header/ })
  t.match(await attempt({ ...ROOT, password: 'milvus' }), {
    code: UNAUTHENTICATED,
    message: /auth check failure, please check username and password are correct/,
  })
  t.match(await attempt({ token: 'some-key' }), { message: /please check api key is correct/ })
  t.equal(await attempt({ token: 'root:Milvus' }), null)
  const wrong = { code: 1800, message: "user hasn't authenticated" }
  for (const header of [
    undefined,
    'Bearer root:milvus',
    'Bearer key',
    'Basic !',
    'Bearer root:',
    'Bearer :Milvus',
  ]) {
    t.strictSame(
      await poster(served, header)('collections/list'),
      { status: 401, body: wrong },
      String(header),
    )
  }
  const basic = `Basic ${Buffer.from('root:Milvus').toString('base64')}`
  for (const header of ['Bearer root:Milvus', 'root:Milvus', basic]) {
    t.equal((await poster(served, header)('collections/list')).status, 200, header)
  }
  const raw = await fetch(`http://${served.address}/v2/vectordb/collections/list`, {
    method: 'POST',
    body: '{',
  })
  t.equal(raw.status, 401, 'before the body is looked at')
})

t.test('a stranger is refused before his message is read; health is for everybody', async t => {
  const served = await serveWithAuth(t, { requestBytesMax: 2_048 })
  const raw = new Client(served.address, credentials.createInsecure())
  t.teardown(() => raw.close())
  const asIs = (bytes: Buffer): Buffer => bytes
  const call = (path: string, bytes: Buffer, authorization?: string) =>
    new Promise<number>(resolve => {
      const metadata = new Metadata()
      if (authorization !== undefined) metadata.set('authorization', authorization)
      raw.makeUnaryRequest(path, asIs, asIs, bytes, metadata, error =>
        resolve(error === null ? 0 : error.code),
      )
    })
  const path = '/milvus.proto.milvus.MilvusService/GetVersion'
  const large = Buffer.alloc(1 << 20)
  const root = Buffer.from('root:Milvus').toString('base64')
  t.equal(await call(path, large), UNAUTHENTICATED)
  t.equal(await call(path, large, root), status.RESOURCE_EXHAUSTED, 'too large, once it is read')
  t.equal(await call(path, Buffer.alloc(0), root), 0)
  t.equal(await call('/milvus.proto.milvus.MilvusService/Import', Buffer.alloc(0)), UNAUTHENTICATED)
  t.equal(await call('/grpc.health.v1.Health/Check', Buffer.alloc(0)), 0)
  t.strictSame(served.warnings, [])
})

t.test('a user does what was granted and nothing else, through either door', async t => {
  const served = await serveWithAuth(t)
  const root = await connect(t, served, ROOT)
  for (const name of ['books', 'secrets']) await createCollection(root, name)
  await root.createUser({ username: 'alice', password: 'secret-1' })
  await root.createRole({ roleName: 'r' })
  await root.addUserToRole({ username: 'alice', roleName: 'r' })
  const login = { username: 'alice', password: 'secret-1' }
  const alice = await connect(t, served, login)
  const post = poster(served, 'Bearer alice:secret-1')
  const denied = async (work: Promise<unknown>, privilege: string) =>
    t.rejects(work, {
      code: DENIED,
      details: `Privilege${privilege}: permission deny to alice in the \`default\` database`,
    })
  const query = (collection_name: string) =>
    alice.query({ collection_name, expr: 'id > 0', output_fields: ['id'] })

  await denied(query('books'), 'Query')
  t.strictSame(await post('entities/query', { collectionName: 'books', filter: 'id > 0' }), {
    status: 403,
    body: { code: 65535, message: 'PrivilegeQuery: permission deny to alice in the `default` database' },
  })
  t.strictSame((await alice.showCollections()).data, [])
  t.strictSame((await post('collections/list')).body['data'], [])
  const grant = { role: 'r', privilege: 'CollectionReadWrite', db_name: 'default', collection_name: 'books' }
  success(t, await root.grantPrivilegeV2(grant))
  success(t, (await alice.insert({ collection_name: 'books', data: [{ id: 1, vector: [1, 0] }] })).status)
  t.strictSame((await query('books')).data, [{ id: '1' }])
  t.equal((await post('entities/get', { collectionName: 'books', id: [1] })).status, 200)
  t.equal((await post('entities/search', { collectionName: 'books', data: [[1, 0]] })).status, 200)
  success(t, await alice.flushSync({ collection_names: ['books'] }).then(answer => answer.status))
  t.strictSame(
    (await alice.showCollections()).data.map(one => one.name),
    ['books'],
  )
  t.strictSame((await post('collections/list')).body['data'], ['books'])

  await denied(query('secrets'), 'Query')
  await denied(alice.insert({ collection_name: 'secrets', data: [{ id: 1, vector: [1, 0] }] }), 'Insert')
  await denied(alice.flush({ collection_names: ['books', 'secrets'] }), 'Flush')
  await denied(alice.dropCollection({ collection_name: 'books' }), 'DropCollection')
  await denied(alice.createCollection({ collection_name: 'new', dimension: 2 }), 'CreateCollection')
  await denied(alice.createAlias({ collection_name: 'secrets', alias: 'books_too' }), 'CreateAlias')
  await denied(alice.listUsers(), 'SelectOwnership')
  await denied(alice.grantPrivilegeV2({ ...grant, collection_name: 'secrets' }), 'ManageOwnership')
  await denied(alice.addUserToRole({ username: 'alice', roleName: 'admin' }), 'ManageOwnership')
  for (const path of ['insert', 'upsert', 'delete', 'get', 'query', 'search', 'hybrid_search']) {
    const body = {
      collectionName: 'secrets',
      data: [{ id: 1, vector: [1, 0] }],
      search: [{ data: [[1, 0]] }],
      filter: 'id > 0',
      id: 1,
    }
    t.equal((await post(`entities/${path}`, body)).status, 403, path)
  }

  await root.createAlias({ collection_name: 'secrets', alias: 'innocent' })
  await denied(query('innocent'), 'Query')
  await root.createAlias({ collection_name: 'books', alias: 'tomes' })
  t.strictSame((await query('tomes')).data, [{ id: '1' }], 'a grant counts through an alias')

  success(t, await root.revokePrivilegeV2(grant))
  await denied(query('books'), 'Query')
  t.match((await alice.describeUser({ username: 'alice' })).results, [{ roles: [{ name: 'r' }] }])
  t.strictSame((await alice.listGrants({ roleName: 'r' })).entities, [])
  await denied(alice.describeUser({ username: 'root' }), 'SelectUser')
  success(t, await alice.updateUser({ username: 'alice', oldPassword: 'secret-1', newPassword: 'secret-2' }))
  await t.rejects(query('books'), { code: UNAUTHENTICATED }, 'the old password ends at once')
  t.equal((await post('collections/list')).status, 401)
  t.strictSame(served.warnings, [])
})

t.test('requests that name nothing, or an id, are no way around', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  await db.createDatabase('other')
  const declared = {
    name: 'books',
    fields: [
      { name: 'id', dataType: DataType.Int64 as number, primaryKey: true },
      { name: 'vector', dataType: DataType.FloatVector as number, dim: 2 },
    ],
  } as Parameters<typeof db.createCollection>[0]
  await db.createCollection(declared)
  await db.createCollection(declared, { database: 'other' })
  await db.createUser({ username: 'alice', password: 'secret-1' })
  await db.createRole('r')
  await db.grantRole('alice', 'r')
  await db.grantPrivilegeV2({
    role: 'r',
    privilege: 'CollectionReadWrite',
    collection: 'books',
    database: 'other',
  })
  const guard = engineGuard(db.engine)
  const idOf = (database: string) => db.engine.collection('books', database).state.id
  const may = (method: MethodName, request: object, database = 'other') => {
    try {
      guard.authorize(method, request, { user: 'alice', database })
      return true
    } catch (error) {
      t.ok(error instanceof PermissionError)
      return false
    }
  }
  t.equal(may('Flush', { collection_names: ['books'] }), true)
  t.equal(may('Flush', { collection_names: [] }), false)
  t.equal(may('Insert', { collection_name: '' }), false)
  t.equal(may('Insert', { collection_name: 'books', db_name: 'default' }), false)
  t.equal(may('ManualCompaction', { collection_name: '', collectionID: idOf('other') }), true)
  t.equal(may('ManualCompaction', { collection_name: '', collectionID: idOf('default') }), false)
  t.equal(may('ManualCompaction', { collection_name: '', collectionID: idOf('default') }, 'default'), false)
  t.equal(may('ManualCompaction', { collection_name: '', collectionID: idOf('other') }, 'default'), true)
  t.equal(may('ManualCompaction', { collection_name: '', collectionID: 999_999 }), false)
  t.equal(may('GetFlushState', { collection_name: '' }), true, 'tells nothing')
  t.equal(may('GetFlushState', { collection_name: '' }, 'default'), false)
  const many = { collection_name: ['books'], collectionID: [idOf('default')] }
  t.equal(may('BatchDescribeCollection', many), true, 'public')
  for (const privilege of ['DescribeCollection', 'ListAliases']) {
    await db.revokePrivilegeV2({ role: 'public', privilege, collection: '*', database: '*' })
  }
  t.equal(may('BatchDescribeCollection', many), false)
  t.equal(may('BatchDescribeCollection', { ...many, collectionID: [] }), true)
  t.equal(may('SelectUser', {}), false)
  t.equal(may('SelectRole', {}), false)
  t.equal(may('SelectGrant', { entity: { role: { name: 'r' } } }), true)
  t.equal(may('SelectGrant', { entity: { role: { name: 'admin' } } }), false)
  t.equal(may('UpdateCredential', { username: 'root' }), false)
  t.equal(may('Connect', {}), true)
})

t.test('grants end at their database', async t => {
  const served = await serveWithAuth(t)
  const root = await connect(t, served, ROOT)
  for (const db_name of ['one', 'two']) {
    await root.createDatabase({ db_name })
    await createCollection(await connect(t, served, ROOT, db_name), 'books')
  }
  await root.createUser({ username: 'alice', password: 'secret-1' })
  await root.createRole({ roleName: 'r' })
  await root.addUserToRole({ username: 'alice', roleName: 'r' })
  await root.grantPrivilegeV2({
    role: 'r',
    privilege: 'CollectionReadOnly',
    db_name: 'one',
    collection_name: '*',
  })
  const login = { username: 'alice', password: 'secret-1' }
  const alice = await connect(t, served, login, 'one')
  const query = (db_name?: string) =>
    alice.query({ collection_name: 'books', expr: 'id > 0', ...(db_name === undefined ? {} : { db_name }) })
  success(t, (await query()).status)
  await t.rejects(query('two'), { code: DENIED, details: /in the `two` database/ })
  const post = poster(served, 'alice:secret-1')
  const body = { collectionName: 'books', filter: 'id > 0' }
  t.equal((await post('entities/query', { ...body, dbName: 'one' })).status, 200)
  t.equal((await post('entities/query', body, { 'db-name': 'one' })).status, 200)
  t.equal((await post('entities/query', { ...body, dbName: 'two' }, { 'db-name': 'one' })).status, 403)
  t.strictSame((await alice.listDatabases()).db_names, ['default', 'one'])
})
