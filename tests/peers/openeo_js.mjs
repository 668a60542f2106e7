// Every call of openEO's JavaScript client that a server can answer, against the address in its first argument. The
// second one is a folder for downloads. What the calls gave goes to standard output as JSON with the names of those that
// were not made; the test judges it. SENTIER_OIDC: only the log-in of a machine at that provider.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import js from '@openeo/js-client';

const [address, folder] = process.argv.slice(2);
const { OpenEO } = js;
const told = {};
const { env } = process;
const sum = { process_graph: { sum: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
process.on('uncaughtException', error => { // without the circles that axios hangs on them
  console.error(error.message, error.stack);
  process.exit(1);
});
const notCalled = new Set();
for (const [name, one] of Object.entries(js)) {
  for (const [method, { value }] of Object.entries(Object.getOwnPropertyDescriptors(one.prototype ?? {}))) {
    if (method === 'constructor' || method[0] === '_' || typeof value !== 'function' || name === 'AbortController') continue;
    notCalled.add(`${name}.${method}`);
    one.prototype[method] = function (...given) {
      notCalled.delete(`${name}.${method}`);
      return value.apply(this, given);
    };
  }
}
const end = () => {
  told.notCalled = [...notCalled];
  console.log(JSON.stringify(told));
  process.exit(0);
};
const wait = async job => {
  do {
    await job.describeJob();
    if (['finished', 'error', 'canceled'].includes(job.status)) return job.status;
    await new Promise(done => setTimeout(done, 200));
  } while (true);
};

const c = await OpenEO.connect(address);
const capabilities = c.capabilities();
if (env.SENTIER_OIDC) {
  const provider = (await c.listAuthProviders()).find(p => p.getProviderId() === env.SENTIER_OIDC);
  told.supported = await provider.supportsClientCredentials();
  provider.setGrant('client_credentials');
  provider.setClientId('sentier-bot');
  provider.setClientSecret('bot-secret');
  await provider.login();
  told.account = await c.describeAccount();
  provider.getDisplayName();
  await provider.logout();
  told.authenticated = c.isAuthenticated();
  end();
}
told.version = capabilities.apiVersion();
told.features = capabilities.listFeatures();
told.unsupported = ['listFileTypes', 'createService', 'estimateJob', 'debugJob', 'uploadFile', 'setUserProcess', 'listProcessingParameters']
  .filter(name => !capabilities.hasFeature(name));
told.addresses = [OpenEO.clientVersion() !== '', c.getUrl() === c.getBaseUrl(), (await OpenEO.connectDirect(address)).getUrl(), c.normalizeNamespace(`${address}/processes/alice`)];
told.currency = capabilities.currency();
told.about = [capabilities.title(), capabilities.description(), capabilities.backendVersion(), capabilities.isStable(), capabilities.links().length,
  capabilities.listPlans().length, capabilities.hasConformance('https://api.stacspec.org/v1.0.0/core'), capabilities.listFederation().length];
const types = await c.listFileTypes();
told.formats = Object.keys(types.getOutputTypes());
told.inputs = [types.getInputType('netcdf').title, Object.keys(types.getInputTypes()).length, types.getOutputType('gtiff').title];
told.runtimes = Object.keys(await c.listUdfRuntimes());
const paged = async pages => { let n = 0; for await (const page of pages) n += (page.length ?? page.collections.length); return n; };
told.services = Object.keys(await c.listServiceTypes());
told.parameters = await c.listProcessingParameters();
told.providers = (await c.listAuthProviders()).map(p => p.getType());
await c.authenticateBasic(env.SENTIER_USER, env.SENTIER_PASSWORD);
const provider = c.getAuthProvider();
told.token = provider.getToken();
told.provider = [provider.getId(), provider.getDisplayName(), provider.getTitle(), provider.getDescription(), await provider.resume()];
told.account = await c.describeAccount();
told.authenticated = c.isAuthenticated();
told.allCollections = await paged(c.paginateCollections(1));
told.items = [];
for await (const page of c.listCollectionItems('sentinel-2-l2a', [15, 45, 16, 46], ['2023-08-01T00:00:00Z', null], 1)) told.items.push(...page.map(item => item.id));
told.queryables = Object.keys((await c.describeCollectionQueryables('sentinel-2-l2a')).properties);

told.collections = (await c.listCollections()).collections.map(x => x.id);
told.collection = (await c.describeCollection(told.collections[0])).id;
told.pages = [];
for await (const page of c.paginateProcesses(null, 60)) told.pages.push(page.length ?? page.processes.length);
told.processes = (await c.listProcesses()).processes.map(x => x.id);
told.process = (await c.describeProcess('ndvi')).id;
const builder = await c.buildProcess('builds');
const loaded = builder.load_collection('sentinel-2-l2a', null, null, ['B04', 'B08']);
const shifted = builder.apply(loaded, function (x) { return this.add(x, new js.Parameter('shift', 'number', '', 1)); });
shifted.description('moved');
const evi = builder.reduce_dimension(shifted, new js.Formula('($B08 - $B04) / ($B08 + $B04)'), 'bands');
builder.process('save_result', [evi, 'GTiff']).result = true;
told.built = await c.validateProcess(builder.toJSON());
const product = await c.buildProcess('product');
product.math('3 * 4 + 2').result = true;
await c.downloadResult(product.toJSON(), join(folder, 'product.json'));
told.supports = [builder.supports('ndvi'), builder.supports('nonsense'), builder.spec('ndvi').id];
told.invalid = (await c.validateProcess({ process_graph: { a: { process_id: 'nonsense', arguments: {}, result: true } } })).map(e => e.code);

const own = await c.setUserProcess('js_sum', sum);
told.own = (await c.listUserProcesses()).map(p => p.id);
await own.replaceUserProcess({ summary: 'A sum', ...sum });
told.replaced = (await (await c.getUserProcess('js_sum')).describeUserProcess()).summary;
await own.deleteUserProcess();
told.pagedOwn = await paged(c.paginateUserProcesses(1));
await c.refreshProcessCache();
told.ownAfter = (await c.listUserProcesses()).map(p => p.id);

const text = join(folder, 'text.txt');
writeFileSync(text, 'from the client');
const file = await c.uploadFile(text, 'js/text.txt');
told.files = (await c.listFiles()).map(f => f.path);
told.allFiles = await paged(c.paginateFiles(1));
told.sameFile = (await c.getFile('js/text.txt')).path === file.path && Boolean(await file.retrieveFile());
await file.downloadFile(join(folder, 'back.txt'));
await file.deleteFile();
told.filesAfter = (await c.listFiles()).map(f => f.path);

const result = await c.computeResult(sum);
told.result = { type: result.type, costs: result.costs };
await c.downloadResult(sum, join(folder, 'result.json'));
told.jobsBefore = (await c.listJobs()).length;
const job = await c.createJob(sum, 'from js', 'a sum');
told.estimate = await job.estimateJob();
await job.updateJob({ title: 'changed' });
await job.startJob();
told.monitored = await new Promise(done => { const end = job.monitorJob(j => ['finished', 'error'].includes(j.status) && (end(), done(j.status)), 1); });
told.status = await wait(job);
told.title = (await (await c.getJob(job.id)).describeJob()).title;
told.stac = await job.getResultsAsStac();
told.results = (await job.listResults()).map(a => a.href);
told.downloads = await job.downloadResults(folder);
const logs = job.debugJob('debug');
told.logs = (await logs.nextLogs()).length;
told.missing = logs.getMissingBackends();
await job.stopJob();
told.jobs = (await c.listJobs()).map(j => j.id).includes(job.id);
told.allJobs = await paged(c.paginateJobs(1)) - told.jobsBefore;
await job.deleteJob();
told.jobsAfter = (await c.listJobs()).length;

if (env.SENTIER_GRAPH) {
  const service = await c.createService(JSON.parse(env.SENTIER_GRAPH), 'xyz', 'from js');
  told.service = await service.describeService();
  await service.updateService({ title: 'changed' });
  told.serviceTitle = (await (await c.getService(service.id)).describeService()).title;
  told.serviceLogs = (await service.debugService().nextLogs()).map(l => l.message);
  told.serviceMonitored = await new Promise(done => { const stop = service.monitorService((s, logs) => (stop(), done(logs.length)), 1); });
  told.allServices = await paged(c.paginateServices(1));
  told.listed = (await c.listServices()).map(s => s.id).includes(service.id);
  await service.deleteService();
  told.listedAfter = (await c.listServices()).map(s => s.id).includes(service.id);
}
const seen = [];
const hear = token => seen.push(token);
c.on('tokenChanged', hear);
await provider.logout();
told.loggedOut = !c.isAuthenticated();
c.setAuthToken('basic', '', told.token.replace('basic//', ''));
told.again = (await c.describeAccount()).name;
c.off('tokenChanged', hear);
told.heard = seen.length;
end();
