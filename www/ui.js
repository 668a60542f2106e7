// The jobs of a user: log in by name and password, run a composite, watch, download, remove.
// The token is kept for this tab alone.
const base = new URL('..', import.meta.url); // this file is BASE/ui/ui.js
const at = path => new URL(path, base);
const $ = id => document.getElementById(id);
let token = sessionStorage.getItem('token');
let shown = 20;
let timer;

async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = 'Bearer basic//' + token;
  const answer = await fetch(at(path), { ...options, headers });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && token) logOut();
  throw new Error(problem.detail || problem.message || `The server answered ${answer.status}.`);
}

function logOut() {
  token = null;
  sessionStorage.removeItem('token');
  clearTimeout(timer);
  show();
}

async function show() {
  $('login').hidden = !!token;
  $('work').hidden = $('logout').hidden = !token;
  if (!token) return;
  $('who').textContent = (await call('openeo/1.2/me')).name;
  const { collections } = await call('openeo/1.2/collections');
  const select = $('run').elements.collection;
  select.replaceChildren(...collections.map(c => new Option(c.title || c.id, c.id)));
  watch();
}

function say(form, text) {
  form.querySelector('.problem').textContent = text;
}

$('login').addEventListener('submit', async event => {
  event.preventDefault();
  const form = event.target;
  const bytes = new TextEncoder().encode(form.elements.name.value + ':' + form.elements.password.value);
  try {
    const answer = await call('openeo/1.2/credentials/basic',
                              { headers: { Authorization: 'Basic ' + btoa(String.fromCharCode(...bytes)) } });
    token = answer.access_token;
    sessionStorage.setItem('token', token);
    form.reset();
    say(form, '');
    await show();
  } catch (problem) {
    say(form, problem.message);
  }
});

$('logout').addEventListener('submit', event => {
  event.preventDefault();
  logOut();
});

$('run').addEventListener('submit', async event => {
  event.preventDefault();
  const form = event.target, fields = form.elements;
  const inputs = { collection: fields.collection.value };
  if (fields.bbox.value.trim()) inputs.bbox = { bbox: fields.bbox.value.split(/[\s,]+/).filter(Boolean).map(Number) };
  if (fields.from.value || fields.to.value) inputs.datetime = [fields.from.value || '1900-01-01', fields.to.value || '2200-01-01'];
  try {
    await call('ogc/processes/ndvi-composite/execution', {
      method: 'POST', body: JSON.stringify({ inputs, response: 'document' }),
      headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' } });
    say(form, '');
    watch();
  } catch (problem) {
    say(form, problem.message);
  }
});

$('more').addEventListener('click', () => {
  shown += 20;
  watch();
});

function row(job) {
  const item = $('job').content.cloneNode(true).firstElementChild;
  item.id = 'job-' + job.jobID;
  item.querySelector('.dismiss').addEventListener('click', async () => {
    await call('ogc/jobs/' + job.jobID, { method: 'DELETE' }).catch(() => {});
    watch();
  });
  return item;
}

async function addResults(item, job) {
  if (item.dataset.results) return;
  item.dataset.results = 'yes';
  const results = await call(`openeo/1.2/jobs/${job.jobID}/results`);
  item.querySelector('.results').replaceChildren(...Object.entries(results.assets).map(([name, asset]) => {
    const link = document.createElement('a');
    link.href = asset.href;
    link.textContent = `${name} (${(asset['file:size'] / 1048576).toFixed(1)} MB)`;
    return link;
  }));
}

function fill(item, job) {
  const active = job.status === 'accepted' || job.status === 'running';
  item.className = 'card ' + job.status;
  item.querySelector('.title').textContent = job.title || job.processID;
  item.querySelector('.status').textContent = job.status;
  item.querySelector('time').textContent = new Date(job.created).toLocaleString();
  item.querySelector('progress').value = job.progress;
  item.querySelector('progress').hidden = !active;
  item.querySelector('.message').textContent = job.message || '';
  item.querySelector('.dismiss').textContent = active ? 'Stop' : 'Remove';
  if (job.status === 'successful') addResults(item, job).catch(() => {});
}

async function watch() {
  clearTimeout(timer);
  if (!token) return;
  let active = false;
  try {
    const page = await call('ogc/jobs?limit=' + shown);
    const items = page.jobs.map(job => {
      const item = $('job-' + job.jobID) || row(job);
      fill(item, job);
      active ||= job.status === 'accepted' || job.status === 'running';
      return item;
    });
    $('jobs').replaceChildren(...items);
    $('none').hidden = items.length > 0;
    $('more').hidden = !page.links.some(link => link.rel === 'next');
  } catch { /* the next turn tells */ }
  if (token) timer = setTimeout(watch, active ? 500 : 5000);
}

show().catch(logOut);
