// Every call of openEO's JavaScript client that a server can answer, against the address in its first argument. The
// second one is a folder for downloads. What the calls gave goes to standard output as JSON; the test judges it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import js from '@openeo/js-client';

const [address, folder] = process.argv.slice(2);
const { OpenEO } = js;
const told = {};
const { env } = process;
const sum = { process_graph: { sum: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
const wait = async job => {
  do {
    await job.describeJob();
    if (['finished', 'error', 'canceled'].includes(job.status)) return job.status;
    await new Promise(done => setTimeout(done, 200));
  } while (true);
};

const c = await OpenEO.connect(address);
const capabilities = c.capabilities();
told.version = capabilities.apiVersion();
told.features = capabilities.listFeatures();
told.unsupported = ['listFileTypes', 'createService', 'estimateJob', 'debugJob', 'uploadFile', 'setUserProcess', 'listProcessingParameters']
  .filter(name => !capabilities.hasFeature(name));
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
told.token = c.getAuthProvider().getToken();
told.account = await c.describeAccount();
told.authenticated = c.isAuthenticated();
told.allCollections = await paged(c.paginateCollections(1));
told.queryables = Object.keys((await c.describeCollectionQueryables('sentinel-2-l2a')).properties);

told.collections = (await c.listCollections()).collections.map(x => x.id);
told.collection = (await c.describeCollection(told.collections[0])).id;
told.pages = [];
for await (const page of c.paginateProcesses(null, 60)) told.pages.push(page.length ?? page.processes.length);
told.processes = (await c.listProcesses()).processes.map(x => x.id);
told.process = (await c.describeProcess('ndvi')).id;
const builder = await c.buildProcess('builds');
builder.add(3, 4).result = true;
told.built = await c.validateProcess(builder.toJSON());
told.invalid = (await c.validateProcess({ process_graph: { a: { process_id: 'nonsense', arguments: {}, result: true } } })).map(e => e.code);

const own = await c.setUserProcess('js_sum', sum);
told.own = (await c.listUserProcesses()).map(p => p.id);
await own.replaceUserProcess({ summary: 'A sum', ...sum });
told.replaced = (await (await c.getUserProcess('js_sum')).describeUserProcess()).summary;
await own.deleteUserProcess();
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
told.logs = (await job.debugJob('debug').nextLogs()).length;
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
  told.listed = (await c.listServices()).map(s => s.id).includes(service.id);
  await service.deleteService();
  told.listedAfter = (await c.listServices()).map(s => s.id).includes(service.id);
}
console.log(JSON.stringify(told));
process.exit(0);
