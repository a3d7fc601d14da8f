/** Against a server that asks for logins and speaks TLS: who comes in, and what a role lets one do. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CURL_VERSION } from './curl.mjs'
import { check, does, finish, throws, URI, version } from './tap.mjs'

const run = promisify(execFile)
version(CURL_VERSION.split(' ').slice(0, 2).join(' '))

/** Sends a request with a login; `[code, data or message]` of the answer. */
async function ask(login, path, body = {}, ...more) {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--cacert', process.env.KESTREL_CA, ...more],
    ...['--header', 'Content-Type: application/json'],
    ...(login === '' ? [] : ['--header', `Authorization: Bearer ${login}`]),
    ...['--data-binary', JSON.stringify(body), `${URI}/v2/vectordb/${path}`],
  ])
  const { code, data, message } = JSON.parse(stdout)
  return code === 0 ? data : [code, message]
}

/** An answer that must be yes. */
async function yes(path, body) {
  const found = await ask('root:Milvus', path, body)
  if (Array.isArray(found) && typeof found[0] === 'number') throw new Error(`${path}: ${found}`)
  return found
}

const code = async call => (await call)[0]
const search = { collectionName: 'secured', data: [[1, 0]], limit: 1, outputFields: ['id'] }
const rows = [
  { id: 1, vector: [0, 1] },
  { id: 2, vector: [1, 0] },
]

await throws('a certificate of nobody one knows', () => run('curl', ['--silent', URI]), '')
await check('login: none', () => code(ask('', 'collections/list')), 1800)
await check('login: a wrong password', () => code(ask('root:wrong', 'collections/list')), 1800)
await check(
  'login: by name and password of HTTP',
  () => ask('', 'collections/list', {}, '--user', 'root:Milvus'),
  [],
)
await does('root creates a collection', () =>
  yes('collections/create', { collectionName: 'secured', dimension: 2 }),
)
await check(
  'root upserts',
  async () => (await yes('entities/upsert', { collectionName: 'secured', data: rows })).upsertCount,
  2,
)
await does('a user with a role', async () => {
  await yes('users/create', { userName: 'reader', password: 'secret-1' })
  await yes('roles/create', { roleName: 'reading' })
  await yes('users/grant_role', { userName: 'reader', roleName: 'reading' })
})
await check(
  'without a privilege: no search',
  () => code(ask('reader:secret-1', 'entities/search', search)),
  65535,
)
const grant = { roleName: 'reading', objectType: 'Collection', objectName: 'secured', privilege: 'Search' }
await does('granted', () => yes('roles/grant_privilege', grant))
await check(
  'with it: the search',
  async () => (await ask('reader:secret-1', 'entities/search', search)).map(hit => hit.id),
  [2],
)
await check(
  'but no upsert',
  () => code(ask('reader:secret-1', 'entities/upsert', { collectionName: 'secured', data: rows })),
  65535,
)
await does('the password is changed', () =>
  yes('users/update_password', { userName: 'reader', password: 'secret-1', newPassword: 'secret-2' }),
)
await check('login: the old password', () => code(ask('reader:secret-1', 'entities/search', search)), 1800)
await check(
  'login: the new password',
  async () => (await ask('reader:secret-2', 'entities/search', search)).length,
  1,
)
await does('everything is taken back', async () => {
  await yes('roles/revoke_privilege', grant)
  await yes('users/revoke_role', { userName: 'reader', roleName: 'reading' })
  await yes('roles/drop', { roleName: 'reading' })
  await yes('users/drop', { userName: 'reader' })
})
await check('users that are left', () => yes('users/list'), ['root'])
finish()
