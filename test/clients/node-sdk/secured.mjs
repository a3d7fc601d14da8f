/** Against a server that asks for logins and speaks TLS: who comes in, and what a role lets one do. */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { SDK_VERSION, yes } from './answers.mjs'
import { ADDRESS, check, does, finish, throws, version } from './tap.mjs'

version(`@zilliz/milvus2-sdk-node ${SDK_VERSION}`)
const open = []

/** A connected client with this login. */
async function login(username, password, tls = { rootCertPath: process.env.KESTREL_CA }) {
  const client = new MilvusClient({ address: ADDRESS, username, password, ssl: true, tls, timeout: 5_000 })
  open.push(client)
  await client.connectPromise
  return client
}

await throws('login: a wrong password', () => login('root', 'wrong'), 'auth check failure')
await throws('login: an unknown user', () => login('nobody', 'Milvus'), 'auth check failure')
const root = await does('login: root over TLS, the certificate checked', () => login('root', 'Milvus'))
await does('root creates a collection', async () => {
  yes(
    await root.createCollection({
      collection_name: 'secured',
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
      ],
      index_params: [{ field_name: 'vector', index_type: 'AUTOINDEX', metric_type: 'L2' }],
    }),
  )
  yes(await root.loadCollectionSync({ collection_name: 'secured' }))
})
const rows = [
  { id: 1, vector: [0, 1] },
  { id: 2, vector: [1, 0] },
]
await check(
  'root upserts',
  async () => yes(await root.upsert({ collection_name: 'secured', data: rows })).upsert_cnt,
  '2',
)
await does('a user with a role', async () => {
  yes(await root.createUser({ username: 'reader', password: 'secret-1' }))
  yes(await root.createRole({ roleName: 'reading' }))
  yes(await root.addUserToRole({ username: 'reader', roleName: 'reading' }))
})
const reader = await does('login: the user', () => login('reader', 'secret-1'))
const searching = () =>
  reader.search({ collection_name: 'secured', data: [[1, 0]], anns_field: 'vector', limit: 1 })
await throws('without a privilege: no search', searching, 'PERMISSION_DENIED: PrivilegeSearch')
await does('granted, by both kinds of call', async () => {
  const grant = { object: 'Collection', objectName: 'secured', privilegeName: 'Query' }
  yes(await root.grantPrivilege({ roleName: 'reading', ...grant }))
  const scoped = { role: 'reading', db_name: 'default', collection_name: 'secured' }
  yes(await root.grantPrivilegeV2({ ...scoped, privilege: 'Search' }))
})
await check('with it: the search', async () => yes(await searching()).results.map(hit => String(hit.id)), [
  '2',
])
await check(
  'and the query',
  async () => yes(await reader.query({ collection_name: 'secured', filter: 'id > 0', limit: 9 })).data.length,
  2,
)
await throws(
  'but no upsert',
  () => reader.upsert({ collection_name: 'secured', data: rows }),
  'PERMISSION_DENIED: PrivilegeUpsert',
)
await does('the password is changed', async () =>
  yes(await reader.updateUser({ username: 'reader', oldPassword: 'secret-1', newPassword: 'secret-2' })),
)
await throws('login: the old password', () => login('reader', 'secret-1'), 'auth check failure')
await does('login: the new password', () => login('reader', 'secret-2'))
await does('everything is taken back', async () => {
  const grant = { object: 'Collection', objectName: 'secured', privilegeName: 'Query' }
  yes(await root.revokePrivilege({ roleName: 'reading', ...grant }))
  const scoped = { role: 'reading', db_name: 'default', collection_name: 'secured' }
  yes(await root.revokePrivilegeV2({ ...scoped, privilege: 'Search' }))
  yes(await root.removeUserFromRole({ username: 'reader', roleName: 'reading' }))
  yes(await root.dropRole({ roleName: 'reading' }))
  yes(await root.deleteUser({ username: 'reader' }))
})
await check('users that are left', async () => yes(await root.listUsers()).usernames, ['root'])
for (const client of open) await client.closeConnection().catch(() => undefined)
finish()
