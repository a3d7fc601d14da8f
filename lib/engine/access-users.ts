/**
 * Users: create, change, drop, show. Each change is one synced catalog write; passwords are hashed before it, outside
 * the catalog's turn, because that takes a while.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { checkPassword, hashPassword, verifyPassword } from './access-password.js'
import { ROOT, ROOT_PASSWORD, type UserRecord } from './access-records.js'
import type { Engine } from './engine.js'

export interface CreateUser {
  readonly username: string
  /** 6 to 72 bytes. */
  readonly password: string
  readonly description?: string | undefined
}

export interface UpdateUser {
  readonly username: string
  readonly newPassword?: string | undefined
  /** Checked when given. */
  readonly oldPassword?: string | undefined
  readonly description?: string | undefined
}

/** A user as describe shows it. */
export interface UserDescription {
  readonly name: string
  readonly description: string
  /** Names of granted roles, in order of granting; `public` is implied and not listed. */
  readonly roles: readonly string[]
}

/** A mistake of the caller for which Milvus has no code of its own: 65535 with a fixed text. */
export function accessError(text: string): MilvusError {
  return new MilvusError('Unexpected', text, { bare: true, kind: 'input' })
}

/** @throws MilvusError ParameterInvalid: a letter first, then letters, digits, `_ - .`, at most 32 */
export function checkUserName(name: string): void {
  if (name === '') throw invalid('username must be not empty')
  const max = LIMITS.userNameMax
  if (name.length > max) {
    throw invalid(
      `invalid username ${name} with length ${name.length}, the length of username must be less than ${max + 1}`,
    )
  }
  if (!/^[A-Za-z]/.test(name))
    throw invalid(`invalid user name ${name}, the first character must be a letter`)
  if (!/^[\w.-]+$/.test(name)) {
    throw invalid(
      `invalid user name ${name}, username must contain only numbers, letters, underscores, dots, and hyphens`,
    )
  }
}

export function checkDescription(description: string): void {
  if (description.length > LIMITS.descriptionMax) {
    throw invalid(
      `description: expected at most ${LIMITS.descriptionMax} characters, got ${description.length}`,
    )
  }
}

/** @throws MilvusError ParameterInvalid; Unexpected (65535) when it exists or there are too many */
export async function createUser(engine: Engine, request: CreateUser): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  const { username: name, password, description = '' } = request
  checkUserName(name)
  checkPassword(password)
  checkDescription(description)
  const check = (): void => {
    if (access.user(name) !== undefined) throw accessError(`user already exists: ${name}`)
    if (access.users().length >= LIMITS.usersMax) {
      throw accessError('unable to add user because the number of users has reached the limit')
    }
  }
  check()
  const hash = await hashPassword(password)
  await access.exclusive(async () => {
    check()
    await access.apply({ users: [{ id: 0, name, description, password: hash, roles: [] }] })
  })
}

/** @throws MilvusError NotAuthenticated for a wrong old password or an unknown user; ParameterInvalid */
export async function updateUser(engine: Engine, request: UpdateUser): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  const { username: name, newPassword, oldPassword, description } = request
  checkUserName(name)
  if (newPassword === undefined && description === undefined) {
    throw invalid('update user: expected a new password or a description')
  }
  if (newPassword !== undefined) checkPassword(newPassword)
  if (description !== undefined) checkDescription(description)
  const before = access.user(name)?.password
  if (oldPassword !== undefined && !(await verifyPassword(before, oldPassword))) throw wrongPassword(name)
  const password = newPassword === undefined ? undefined : await hashPassword(newPassword)
  await access.exclusive(async () => {
    const user = access.user(name)
    // What was verified must still be what is stored.
    if (user === undefined || (oldPassword !== undefined && user.password !== before))
      throw wrongPassword(name)
    await access.apply({
      users: [
        {
          ...user,
          ...(password === undefined ? {} : { password }),
          ...(description === undefined ? {} : { description }),
        },
      ],
    })
  })
}

function wrongPassword(name: string): MilvusError {
  return new MilvusError('NotAuthenticated', `old password not correct for ${name}`)
}

/** Drops a user; an unknown name is a success. @throws MilvusError PrivilegeNotPermitted for root */
export function dropUser(engine: Engine, name: string): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    if (name === ROOT) throw new MilvusError('PrivilegeNotPermitted', 'root user cannot be deleted')
    if (access.user(name) !== undefined) await access.apply({ dropUser: name })
  })
}

/** Users, root first, then in order of creation. With a name: that one, or none. */
export function describeUsers(engine: Engine, name?: string): UserDescription[] {
  engine.checkOpen()
  const one = name === undefined ? undefined : engine.access.user(name)
  const records = name === undefined ? engine.access.users() : one === undefined ? [] : [one]
  return records.map(({ name, description, roles }: UserRecord) => ({ name, description, roles: [...roles] }))
}

/** True while root still has the password that everybody knows. */
export function rootPasswordIsDefault(engine: Engine): Promise<boolean> {
  return verifyPassword(engine.access.user(ROOT)?.password, ROOT_PASSWORD)
}

/** Gives root a password of its own, unless it has one. Durable on return. @throws MilvusError ParameterInvalid */
export async function initialRootPassword(engine: Engine, password: string): Promise<void> {
  if (engine.access.user(ROOT)?.password !== null) return
  await updateUser(engine, { username: ROOT, newPassword: password })
}
