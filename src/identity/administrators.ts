/** Whoever the configuration names, made an administrator of the deployment. */
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { OURSELVES } from '../storage/audit-chain.js';
import { parseSubject } from '../tuple/tuple.js';
import { changeGrants } from './grants.js';
import type { Grant } from './grants.js';

/** Nobody stops being one because the configuration names them no more: a grant is taken away. */
export async function grantAdministrators(engine: Engine, systemStore: StoreId): Promise<void> {
  const names = engine.config.administrators.split(',').filter((name) => name !== '');
  if (names.length === 0) return;
  try {
    await changeGrants(engine, systemStore, {
      add: names.map(grantOf),
      remove: [],
      deed: {
        action: 'grants.change',
        by: OURSELVES,
        details: { setting: 'PEMBA_ADMINISTRATORS' },
      },
    });
  } catch (error) {
    if (!(error instanceof PembaError) || error.code !== 'invalid_request') throw error;
    throw new PembaError('cannot_start', `PEMBA_ADMINISTRATORS: ${error.message}.`, {
      cause: error,
    });
  }
}

function grantOf(name: string): Grant {
  const subject = parseSubject(name);
  if (subject === undefined) {
    throw new PembaError('invalid_request', `'${name}' is not of the form 'type:id'`);
  }
  return { role: { of: 'deployment', role: 'admin' }, subject };
}
