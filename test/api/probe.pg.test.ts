import { it, beforeAll, afterAll } from '@jest/globals';
import { createConnection } from 'node:net';
import { describeWithPostgres } from '../support/postgres.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
const raw = (url: string, text: string, ms=1500): Promise<string> => new Promise((resolve) => {
  const u = new URL(url); const s = createConnection(Number(u.port), u.hostname); let out='';
  s.on('data', d => { out += d.toString('latin1'); }); s.on('close', () => resolve(out)); s.on('error', e => { out += `<<${e.message}>>`; });
  s.write(text); setTimeout(() => s.destroy(), ms).unref();
});
describeWithPostgres('probe', () => {
  let p: Pemba; let s: TestStore;
  const say: string[] = [];
  beforeAll(async () => { p = await startPemba({PEMBA_REQUEST_TIMEOUT_MS: '500'}); s = await p.storeWith(`model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with c]
condition c(m: map<any2>) {
  true
}
`.replace('m: map<any2>', 'x: double')); });
  afterAll(async () => { process.stdout.write(say.join('\n')+'\n'); await p.stop(); });
  it('probes', async () => {
    const show = async (m: string, path: string, body?: unknown, o?: any) => { const a = await p.call(m, path, body, o); say.push(`${m} ${path.slice(0,80)} ${(o?.raw ?? JSON.stringify(body) ?? '').slice(0,100)} => ${a.status} ${a.headers.get('content-type')} ${a.text.slice(0,300)}`); };
    const P = s.path;
    await show('POST', P+'/check', undefined, {raw:'', headers:{'content-type':'application/json'}});
    await show('POST', P+'/check');
    await show('POST', P+'/check', undefined, {raw:'[]'});
    await show('POST', P+'/check', undefined, {raw:'null'});
    await show('POST', P+'/check', undefined, {raw:'"x"'});
    await show('POST', P+'/check', undefined, {raw:'{x'});
    await show('POST', P+'/write', undefined, {raw:'{x'});
    await show('POST', P+'/write', undefined, {raw:'[]'});
    await show('POST', P+'/write', undefined, {raw:'null'});
    await show('POST', P+'/read', undefined, {raw:'null'});
    await show('POST', P+'/write', undefined, {raw:'{}', headers:{'content-type':'application/xml'}});
    await show('POST', P+'/check', undefined, {raw:'{}', headers:{'content-type':'application/xml'}});
    await show('POST', P+'/check', undefined, {raw:'{}', headers:{'content-type':'text/plain'}});
    await show('POST', P+'/check', undefined, {raw:'{}', headers:{'content-type':'garbage'}});
    await show('POST', P+'/check', undefined, {raw:'{}', headers:{'content-type':'application/json; charset=utf-16'}});
    await show('POST', P+'/check', undefined, {raw:'['.repeat(10000)});
    await show('POST', P+'/check', undefined, {raw:'"' + 'x'.repeat(10_000_000) + '"'});
    await show('POST', P+'/write', undefined, {raw:'"' + 'x'.repeat(10_000_000) + '"'});
    await show('GET', P+'/check');
    await show('PATCH', P, {name:'abc'});
    await show('PUT', '/stores');
    await show('GET', '/nope');
    await show('GET', '/stores/%00');
    await show('GET', '/stores/%zz');
    await show('GET', '/stores%2f' + s.id);
    await show('GET', '/stores/' + 'A'.repeat(300));
    await show('POST', '/stores/' + 'A'.repeat(300) + '/check', {});
    await show('GET', '/stores/' + s.id + '/');
    await show('GET', '/stores?page_size=1&page_size=2');
    await show('GET', '/stores?name=a&name=b');
    await show('GET', '/stores?page_size=x');
    await show('GET', '/stores?page_size=0');
    await show('GET', '/stores?page_size=1000000000000');
    await show('GET', '/stores?continuation_token=garbage');
    await show('GET', '/stores?__proto__=1&constructor=2&name=%00');
    await show('POST', '/stores', undefined, {raw:'{"__proto__":{"name":"abc"}}'});
    await show('POST', '/stores', undefined, {raw:'{"name":"abc","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'});
    say.push(String(({} as any).polluted));
    await show('POST', P+'/batch-check', undefined, {raw:`{"checks":[{"correlation_id":"__proto__","tuple_key":{"user":"user:a","relation":"viewer","object":"document:1"}},{"correlation_id":"constructor","tuple_key":{"user":"user:a","relation":"nope","object":"document:1"}}]}`});
    await show('POST', P+'/write', undefined, {raw:`{"writes":{"tuple_keys":[{"user":"user:a","relation":"viewer","object":"document:1","condition":{"name":"c","context":{"x":1e400}}}]}}`});
    await show('POST', P+'/read', {});
    await show('POST', P+'/check', undefined, {raw:`{"tuple_key":{"user":"user:a","relation":"viewer","object":"document:1"},"tuple_key":{"user":"user:b","relation":"viewer","object":"document:1"}}`});
    await show('POST', P+'/check', {tuple_key:{user:'user:a',relation:'viewer',object:'document:1'}, context: {x:'\u0000'}});
    await show('POST', P+'/check', {tuple_key:{user:'user:a\u0000',relation:'viewer',object:'document:1'}});
    await show('POST', P+'/check', {tuple_key:{user:'user:a\ud800',relation:'viewer',object:'document:1'}});
    await show('POST', P+'/list-objects', {user:'user:a',relation:'viewer',type:'document\u0000\ud800'});
    await show('POST', P+'/list-users', {object:{type:'document',id:'1\u0007'},relation:'viewer',user_filters:[{type:'user\u0007'}]});
    await show('POST', P+'/list-users', {object:{type:'document',id:'1'},relation:'viewer',user_filters:[{type:'user\u0007'}]});
    await show('POST', P+'/streamed-list-objects', {user:'user:a',relation:'viewer',type:'nope'});
    await show('POST', P+'/streamed-list-objects', {});
    await show('GET', P+'/changes?type=document%00');
    await show('GET', P+'/changes?start_time=2999-01-01T00:00:00Z');
    await show('GET', P+'/authorization-models/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await show('GET', '/stores/01ARZ3NDEKTSV4RRFFQ69G5FAV/authorization-models/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await show('GET', '/stores/01ARZ3NDEKTSV4RRFFQ69G5FAV/assertions/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await show('GET', P+'/assertions/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await show('PUT', P+'/assertions/'+s.modelId, {assertions:[{tuple_key:{user:'user:a',relation:'viewer',object:'document:1'},expectation:true,whatever:1, context:{x:1}}]});
    await show('GET', P+'/assertions/'+s.modelId);
    await show('GET', '/stores', undefined, {headers:{'x-long': 'y'.repeat(20_000)}}).catch(e => say.push('long header '+ e.message));
    const many: any = {}; for (let i=0;i<2500;i++) many['h'+i]='1';
    await show('GET', '/stores', undefined, {headers:many}).catch(e => say.push('many header '+ e.message));
    await show('GET', '/stores?x=' + 'y'.repeat(20_000)).catch(e => say.push('long url '+ e.message));
    const R = async (t: string, ms?: number) => say.push(JSON.stringify(t.slice(0,100)) + ' => ' + JSON.stringify((await raw(p.url, t, ms)).slice(0,600)));
    await R('GET /stores HTTP/1.1\r\n\r\n');
    await R('GET /stores HTTP/1.0\r\n\r\n');
    await R('garbage\r\n\r\n');
    await R('GET /stores HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\x00\x01\r\n\r\n');
    await R('GET /stores/../stores HTTP/1.1\r\nHost: x\r\nconnection: close\r\n\r\n');
    await R('GET //stores HTTP/1.1\r\nHost: x\r\nconnection: close\r\n\r\n');
    await R('GET http://evil/stores HTTP/1.1\r\nHost: x\r\nconnection: close\r\n\r\n');
    await R(`POST ${P}/check HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`);
    await R(`POST ${P}/check HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\ncontent-length: -5\r\n\r\n{}`);
    await R(`POST ${P}/check HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n`);
    await R(`POST ${P}/check HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\nexpect: 200-maybe\r\ncontent-length: 2\r\n\r\n{}`);
    const t = Date.now();
    await R(`POST ${P}/check HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{`, 40000);
    say.push(`half-sent ended after ${Date.now()-t}`);
    await show('HEAD', '/stores');
    await show('OPTIONS', '/stores');
    await show('GET', '/openapi.json');
    await show('GET', '/healthz');
    say.push(...p.logged.filter(l => !l.includes('"level":30')).map(l => l.slice(0,800)));
  }, 120_000);
});
