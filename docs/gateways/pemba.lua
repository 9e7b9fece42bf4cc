-- Asks Pemba whether a request may pass. Sets txn.pemba_status to what it answers, or to 0 when it
-- does not; on 200, what it says of the user; on 401, the challenge. haproxy.cfg acts upon it.

local url = (os.getenv("PEMBA_URL") or "http://127.0.0.1:8080") .. "/edge/haproxy"
local key = os.getenv("PEMBA_KEY") or ""

-- Of one try, in milliseconds. HAProxy makes four.
local TIMEOUT = 500

-- All values of a header, as they came: several of what has to be one are for Pemba to refuse.
local function values(headers, name)
  local list = {}
  local found = headers[name]
  if found == nil then return list end
  for i = 0, #found do list[#list + 1] = found[i] end
  return list
end

local function first(response, name)
  local found = response.headers and response.headers[name]
  local value = found and found[0]
  if value == "" then return nil end
  return value
end

local function set(txn, name, value)
  if value ~= nil then txn:set_var("txn.pemba_" .. name, value) end
end

core.register_action("pemba", { "http-req" }, function(txn)
  txn:set_var("txn.pemba_status", 0)
  local headers = txn.http:req_get_headers()
  local response = core.httpclient():get({
    url = url,
    timeout = TIMEOUT,
    headers = {
      ["x-original-method"] = { txn.sf:method() },
      -- Whole, so that Pemba sees an address in absolute form for what it is.
      ["x-original-uri"] = { txn.sf:url() },
      ["x-original-host"] = values(headers, "host"),
      ["x-original-address"] = { txn.sf:src() },
      ["authorization"] = values(headers, "authorization"),
      ["x-request-id"] = values(headers, "x-request-id"),
      ["pemba-key"] = { key },
    },
  })
  local status = response and response.status or 0
  txn:set_var("txn.pemba_status", status)
  if status == 200 then
    set(txn, "subject", first(response, "pemba-subject"))
    set(txn, "decision_id", first(response, "pemba-decision-id"))
    set(txn, "txn_token", first(response, "txn-token"))
  elseif status == 401 then
    txn:set_var("txn.pemba_challenge", first(response, "www-authenticate") or "Bearer")
  end
end)
