/**
 * What goes with the writing of a model or of what is attached to one, in headers: a body may be the
 * DSL, YAML or another protocol's document, and clients of OpenFGA send none of them. Texts are
 * percent-encoded UTF-8.
 */
import type { FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import type { Expected, Writing } from '../../operations/models.js';
import { printableProblem } from '../../schema/attachment-reader.js';
import { METADATA_LENGTHS } from '../../schema/model-metadata.js';
import type { ModelMetadata } from '../../schema/model-metadata.js';
import { callerOf } from '../gate.js';
import { modelIdOf } from './wire.js';

const METADATA_HEADERS = {
  message: 'Pemba-Model-Message',
  author: 'Pemba-Model-Author',
  git_revision: 'Pemba-Model-Git-Revision',
} as const;
const EXPECT_MODEL_HEADER = 'Pemba-Expect-Current-Model';
const EXPECT_UNCHANGED_HEADER = 'Pemba-Expect-Unchanged-Since';

/** As the OpenAPI document tells them. */
export const WRITING_HEADERS = {
  [METADATA_HEADERS.message]: 'Why; percent-encoded',
  [METADATA_HEADERS.author]: 'By whom; percent-encoded',
  [METADATA_HEADERS.git_revision]: 'From which revision of its source; percent-encoded',
  [EXPECT_MODEL_HEADER]: "The store's newest model, or `none`: 409 if it is another one",
  [EXPECT_UNCHANGED_HEADER]: 'A consistency token: 409 if tuples have changed since',
} as const;

/** To be spread into an operation's request. */
export function writingOf(request: FastifyRequest): Pick<Writing, 'metadata' | 'expected'> {
  const { name, principal } = callerOf(request);
  const said = (['message', 'author', 'git_revision'] as const).flatMap((member) => {
    const text = textIn(request, METADATA_HEADERS[member], METADATA_LENGTHS[member]);
    return text === undefined ? [] : [[member, text] as const];
  });
  const metadata: ModelMetadata = {
    ...Object.fromEntries(said),
    ...(principal.kind !== 'anyone' && { written_by: name }),
  };
  return { metadata, expected: expectedBy(request) };
}

function expectedBy(request: FastifyRequest): Expected {
  const model = headerOf(request, EXPECT_MODEL_HEADER);
  const unchangedSince = headerOf(request, EXPECT_UNCHANGED_HEADER);
  return {
    ...(model !== undefined && { model: model === 'none' ? model : modelIdOf(model) }),
    ...(unchangedSince !== undefined && { unchangedSince }),
  };
}

function textIn(request: FastifyRequest, header: string, lengthMax: number): string | undefined {
  const encoded = headerOf(request, header);
  if (encoded === undefined) return undefined;
  const text = decoded(encoded, header);
  if (text.length > lengthMax) {
    throw invalidRequest(header.toLowerCase(), `can have ${lengthMax} characters at most`);
  }
  const problem = printableProblem(text);
  if (problem !== undefined) throw invalidRequest(header.toLowerCase(), problem);
  return text;
}

function decoded(text: string, header: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidRequest(header.toLowerCase(), 'is not percent-encoded UTF-8');
  }
}

/** Empty is as good as absent. Node joins those that are given twice, which is no such value then. */
function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return value === undefined || value === '' ? undefined : String(value);
}
