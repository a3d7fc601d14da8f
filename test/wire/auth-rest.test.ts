/** Users and roles over REST, the first password of root, and a debug log without secrets. */
import t from 'tap'
import { connect, poster, ROOT, serveWithAuth } from './login.js'
import { serveDirectory } from './served.js'

t.test('users and roles over REST; they work with authentication off too', async t => {
  for (const auth of [true, false]) {
    const served = await serveDirectory(t.testdir(), { auth })
    const post = poster(served, 'Bearer root:Milvus')
    const ok = async (path: string, body: object, data: unknown = {}) => {
      const answer = await post(path, body)
      t.match(answer, { status: 200, body: { code: 0 } }, path)
      t.strictSame(answer.body['data'], data, path)
    }
    await ok('users/create', { userName: 'alice', password: 'secret-1' })
    await ok('users/list', {}, ['root', 'alice'])
    await ok('users/update_password', { userName: 'alice', password: 'secret-1', newPassword: 'secret-2' })
    await ok('roles/create', { roleName: 'r', description: 'some' })
    await ok('users/grant_role', { userName: 'alice', roleName: 'r' })
    await ok('users/describe', { userName: 'alice' }, ['r'])
    await ok('roles/list', {}, ['admin', 'public', 'r'])
    const v1 = { roleName: 'r', objectType: 'Global', objectName: '*', privilege: 'CreateCollection' }
    await ok('roles/grant_privilege', v1)
    const v2 = { roleName: 'r', privilege: 'Query', dbName: 'default', collectionName: 'books' }
    await ok('roles/grant_privilege_v2', v2)
    await ok('roles/describe', { roleName: 'r' }, [
      {
        objectType: 'Global',
        objectName: '*',
        privilege: 'CreateCollection',
        dbName: 'default',
        grantor: 'root',
      },
      {
        objectType: 'Collection',
        objectName: 'books',
        privilege: 'Query',
        dbName: 'default',
        grantor: 'root',
      },
    ])
    t.match((await post('roles/drop', { roleName: 'r' })).body, { code: 65535 })
    await ok('roles/revoke_privilege', v1)
    await ok('roles/revoke_privilege_v2', v2)
    await ok('privilege_groups/create', { privilegeGroupName: 'g' })
    const change = { privilegeGroupName: 'g', privileges: ['Query', 'Search'] }
    await ok('privilege_groups/add_privileges_to_group', change)
    await ok('privilege_groups/remove_privileges_from_group', { ...change, privileges: ['Query'] })
    const { privilegeGroups } = (await post('privilege_groups/list')).body['data'] as {
      privilegeGroups: unknown[]
    }
    t.strictSame(privilegeGroups.at(-1), { privilegeGroupName: 'g', privileges: 'Search' })
    await ok('privilege_groups/drop', { privilegeGroupName: 'g' })
    await ok('users/revoke_role', { userName: 'alice', roleName: 'r' })
    await ok('roles/drop', { roleName: 'r' })
    await ok('users/drop', { userName: 'alice' })
    t.match(await post('users/drop', { userName: 'root' }), { status: 200, body: { code: 1401 } })
    t.strictSame(served.warnings, [], 'mistakes of callers are no warnings')
    await served.close()
  }
})

t.test('the first password of root can be given, and counts only the first time', async t => {
  const directory = t.testdir()
  for (const rootPassword of ['from-the-start', 'too-late-now']) {
    const served = await serveDirectory(directory, { auth: true, rootPassword })
    t.equal((await poster(served, 'root:from-the-start')('collections/list')).status, 200)
    t.equal((await poster(served, 'root:Milvus')('collections/list')).status, 401)
    await served.close()
  }
})

t.test('the debug log tells every call and nothing secret', async t => {
  const lines: string[] = []
  const served = await serveWithAuth(t, { debug: (line: string) => lines.push(line) })
  const client = await connect(t, served, ROOT)
  await client.createUser({ username: 'alice', password: 'pa55-word-1' })
  await client.updateUser({ username: 'alice', oldPassword: 'pa55-word-1', newPassword: 'pa55-word-2' })
  await client.updateUser({ username: 'alice', oldPassword: 'pa55-wrong', newPassword: 'pa55-word-3' })
  const post = poster(served, 'Bearer alice:pa55-word-2')
  await post('users/update_password', { userName: 'alice', password: 'pa55-word-2', newPassword: 'pa55' })
  await post('entities/insert', { collectionName: 'c', data: [{ id: 1 }] })
  await poster(served, 'Bearer alice:pa55-guess')('collections/list')
  const text = [...lines, ...served.warnings].join('\n')
  t.match(text, /^CreateCredential ok [\d.]+ ms database=default user=root$/m)
  t.match(text, /^UpdateCredential NotAuthenticated \(1400\)/m)
  t.match(text, /^Insert failed [\d.]+ ms database=default user=alice$/m)
  const secrets = [
    'pa55',
    'Milvus',
    ...['pa55-word-1', 'root:Milvus', 'alice:pa55-word-2'].map(one =>
      Buffer.from(one).toString('base64').slice(0, 8),
    ),
  ]
  for (const secret of secrets) t.notMatch(text, secret)
})
