/**
 * Environment → one frozen Config. Each setting names its variable, its unit and the reason for its
 * default; the README's table is held against it by a test. The settings are in `config/`, one class
 * on top of the other.
 */
import { availableParallelism, totalmem } from 'node:os';
import { validateSync } from 'class-validator';
import { DelegationSettings } from './config/delegation-settings.js';
import { parseSetting, settings } from './config/setting.js';
import type { SettingDescription } from './config/setting.js';
import { PembaError } from './errors.js';

export class Config extends DelegationSettings {}

/** Bytes that the graphs of one process may take. */
export function graphMemoryBytes(config: Config): number {
  const total = config.graphMemory === 'auto' ? totalmem() / 2 : config.graphMemory;
  return total / workerCount(config);
}

export const workerCount = ({ workers }: Config): number =>
  workers === 'auto' ? availableParallelism() : Number(workers);

/** Empty when callers are not authenticated. */
export const authenticationMethods = ({ authentication }: Config): ReadonlySet<string> =>
  new Set(authentication.split(',').filter((method) => method !== 'none'));

export const isAudited = (config: Config): boolean =>
  config.audit === 'on' || (config.audit === 'auto' && authenticationMethods(config).size > 0);

/** As which callers know Pemba: no slash at its end. */
export function publicUrlOf({ publicUrl, host, port }: Config): string {
  if (publicUrl !== '') return publicUrl;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export const settingDescriptions = (): readonly SettingDescription[] => settings;

/** Throws `cannot_start` naming every wrong variable. An empty variable counts as unset. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = new Config();
  const values: Record<string, unknown> = {};
  for (const { variable, property, unit } of settings) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    values[property] = parseSetting(text, unit, Reflect.get(config, property));
  }
  Object.assign(config, values);
  const problems = validateSync(config).map(({ property, constraints }) => {
    const variable = settings.find((setting) => setting.property === property)?.variable;
    return `${variable ?? property} ${Object.values(constraints ?? {})[0] ?? 'is wrong'}`;
  });
  if (config.authentication === 'none' && !isLoopback(config.host)) {
    problems.push(
      `HOST ${config.host} is not a loopback address, and callers are not authenticated: ` +
        'set PEMBA_AUTHENTICATION, for example to keys',
    );
  }
  problems.push(...decisionLogProblems(config));
  if (config.clientCertificateHeader !== '' && config.trustedProxies === '') {
    problems.push(
      'PEMBA_CLIENT_CERTIFICATE_HEADER needs PEMBA_TRUSTED_PROXIES: else anybody sets it',
    );
  }
  if (problems.length > 0) {
    throw new PembaError('cannot_start', `Configuration: ${problems.join('; ')}.`);
  }
  return Object.freeze(config);
}

/** What is required has to be somewhere, and whole. */
function decisionLogProblems(config: Config): readonly string[] {
  if (config.decisionLogMode !== 'required') return [];
  return [
    ...(config.decisionLog === 'off'
      ? ['PEMBA_DECISION_LOG_MODE required needs a PEMBA_DECISION_LOG']
      : []),
    ...(config.decisionLogAllowsPercent < 100
      ? ['PEMBA_DECISION_LOG_MODE required logs every allow: no PEMBA_DECISION_LOG_ALLOWS_PERCENT']
      : []),
  ];
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
