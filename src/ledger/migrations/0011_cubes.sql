CREATE TABLE "usage_daily" (
	"day_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"provider" text NOT NULL,
	"key_id" text NOT NULL,
	"service_tier" text NOT NULL,
	"operation" text NOT NULL,
	"urgency" text NOT NULL,
	"model_requested" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_daily_key" PRIMARY KEY("day_ms","tenant","user_id","tier","model","provider","key_id","service_tier","operation","urgency","model_requested","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_hourly" (
	"hour_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"operation" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_hourly_key" PRIMARY KEY("hour_ms","tenant","tier","model","operation","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_monthly" (
	"month_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"provider" text NOT NULL,
	"key_id" text NOT NULL,
	"service_tier" text NOT NULL,
	"operation" text NOT NULL,
	"urgency" text NOT NULL,
	"model_requested" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_monthly_key" PRIMARY KEY("month_ms","tenant","user_id","tier","model","provider","key_id","service_tier","operation","urgency","model_requested","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_tags" (
	"day_ms" bigint NOT NULL,
	"tag" text NOT NULL,
	"value" text NOT NULL,
	"tenant" text NOT NULL,
	"model" text NOT NULL,
	"kind" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_calls" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	"overrun_calls" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"timed_calls" bigint NOT NULL,
	CONSTRAINT "usage_tags_key" PRIMARY KEY("day_ms","tag","value","tenant","model","kind")
);
--> statement-breakpoint
CREATE TABLE "window_forward" (
	"budget" text NOT NULL,
	"window_id" text NOT NULL,
	"spent_nano" bigint NOT NULL,
	"rows" bigint NOT NULL,
	CONSTRAINT "window_forward_budget_window_id_pk" PRIMARY KEY("budget","window_id")
);
--> statement-breakpoint
-- By hand from here: what grows is cut by month. PostgreSQL cannot cut a table that is there, so each is made anew.
-- Until somebody makes a month, everything is in the default partition, so that nothing is ever refused.
ALTER TABLE "usage_hourly" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_daily" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_monthly" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_tags" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "postings" RENAME TO "postings_whole";--> statement-breakpoint
CREATE TABLE "postings" (LIKE "postings_whole") PARTITION BY RANGE ("admitted_at_ms");--> statement-breakpoint
CREATE TABLE "postings_default" PARTITION OF "postings" DEFAULT;--> statement-breakpoint
ALTER TABLE "postings" ADD CONSTRAINT "postings_key" PRIMARY KEY("attempt","epoch","rev","admitted_at_ms");--> statement-breakpoint
INSERT INTO "postings" SELECT * FROM "postings_whole";--> statement-breakpoint
DROP TABLE "postings_whole";--> statement-breakpoint
ALTER TABLE "entries" RENAME TO "entries_whole";--> statement-breakpoint
CREATE TABLE "entries" (LIKE "entries_whole") PARTITION BY RANGE ("admitted_at_ms");--> statement-breakpoint
CREATE TABLE "entries_default" PARTITION OF "entries" DEFAULT;--> statement-breakpoint
ALTER TABLE "entries" ADD CONSTRAINT "entries_key" PRIMARY KEY("attempt","admitted_at_ms");--> statement-breakpoint
INSERT INTO "entries" SELECT * FROM "entries_whole";--> statement-breakpoint
DROP TABLE "entries_whole";--> statement-breakpoint
CREATE INDEX "entries_by_job" ON "entries" USING btree ("job");--> statement-breakpoint
CREATE INDEX "entries_by_admission" ON "entries" USING btree ("admitted_at_ms","attempt");--> statement-breakpoint
CREATE INDEX "entries_unconfirmed" ON "entries" USING btree ("admitted_at_ms") WHERE "status" = 'unconfirmed';--> statement-breakpoint
CREATE INDEX "entries_by_run" ON "entries" USING btree ((tags->>'bursar.run')) WHERE tags->>'bursar.run' is not null;--> statement-breakpoint
ALTER TABLE "requests" RENAME TO "requests_whole";--> statement-breakpoint
CREATE TABLE "requests" (LIKE "requests_whole") PARTITION BY RANGE ("ended_at_ms");--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "model" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "provider" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "service_tier" text;--> statement-breakpoint
CREATE TABLE "requests_default" PARTITION OF "requests" DEFAULT;--> statement-breakpoint
ALTER TABLE "requests" ADD CONSTRAINT "requests_key" PRIMARY KEY("job","ended_at_ms");--> statement-breakpoint
INSERT INTO "requests"
SELECT request.*, last.model, last.provider, last.service_tier FROM "requests_whole" request
LEFT JOIN LATERAL (
	SELECT model, provider, service_tier FROM "entries" WHERE job = request.job
	ORDER BY n DESC, admitted_at_ms DESC, attempt LIMIT 1
) last ON true;--> statement-breakpoint
DROP TABLE "requests_whole";--> statement-breakpoint
CREATE INDEX "requests_by_end" ON "requests" USING btree ("ended_at_ms");
--> statement-breakpoint
-- What is in the ledger already, added up as the drain adds up what comes.
INSERT INTO usage_hourly (hour_ms, tenant, tier, model, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 3600000) as hour_ms, tenant as tenant, tier as tier, model as model, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select admitted_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, 'call' as kind, (0)::bigint as requests, (1)::bigint as calls, (coalesce(input_tokens, 0))::bigint as input_tokens, (coalesce(cached_input_tokens, 0))::bigint as cached_input_tokens, (coalesce(cache_write_tokens, 0))::bigint as cache_write_tokens, (coalesce(output_tokens, 0))::bigint as output_tokens, (coalesce(reasoning_tokens, 0))::bigint as reasoning_tokens, (cost_nano)::bigint as cost_nano, (coalesce(list_nano, cost_nano))::bigint as list_nano, (0)::bigint as saved_nano, (case when status = 'unconfirmed' then 1 else 0 end)::bigint as unconfirmed_calls, (case when status = 'unconfirmed' then cost_nano else 0 end)::bigint as unconfirmed_nano, (case when overrun_nano > 0 then 1 else 0 end)::bigint as overrun_calls, (overrun_nano)::bigint as overrun_nano, (case when ended_at_ms >= started_at_ms then ended_at_ms - started_at_ms else 0 end)::bigint as duration_ms, (case when ended_at_ms >= started_at_ms then 1 else 0 end)::bigint as timed_calls from entries union all select ended_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, model_requested, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, case outcome when 'answered' then 'call' else outcome end as kind, (1)::bigint as requests, (0)::bigint as calls, (0)::bigint as input_tokens, (0)::bigint as cached_input_tokens, (0)::bigint as cache_write_tokens, (0)::bigint as output_tokens, (0)::bigint as reasoning_tokens, (0)::bigint as cost_nano, (0)::bigint as list_nano, (coalesce(saved_nano, 0))::bigint as saved_nano, (0)::bigint as unconfirmed_calls, (0)::bigint as unconfirmed_nano, (0)::bigint as overrun_calls, (0)::bigint as overrun_nano, (0)::bigint as duration_ms, (0)::bigint as timed_calls from requests) fact 
    group by 1, 2, 3, 4, 5, 6 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_daily (day_ms, tenant, user_id, tier, model, provider, key_id, service_tier, operation, urgency, model_requested, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tenant as tenant, user_id as user_id, tier as tier, model as model, provider as provider, key_id as key_id, service_tier as service_tier, operation as operation, urgency as urgency, model_requested as model_requested, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select admitted_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, 'call' as kind, (0)::bigint as requests, (1)::bigint as calls, (coalesce(input_tokens, 0))::bigint as input_tokens, (coalesce(cached_input_tokens, 0))::bigint as cached_input_tokens, (coalesce(cache_write_tokens, 0))::bigint as cache_write_tokens, (coalesce(output_tokens, 0))::bigint as output_tokens, (coalesce(reasoning_tokens, 0))::bigint as reasoning_tokens, (cost_nano)::bigint as cost_nano, (coalesce(list_nano, cost_nano))::bigint as list_nano, (0)::bigint as saved_nano, (case when status = 'unconfirmed' then 1 else 0 end)::bigint as unconfirmed_calls, (case when status = 'unconfirmed' then cost_nano else 0 end)::bigint as unconfirmed_nano, (case when overrun_nano > 0 then 1 else 0 end)::bigint as overrun_calls, (overrun_nano)::bigint as overrun_nano, (case when ended_at_ms >= started_at_ms then ended_at_ms - started_at_ms else 0 end)::bigint as duration_ms, (case when ended_at_ms >= started_at_ms then 1 else 0 end)::bigint as timed_calls from entries union all select ended_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, model_requested, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, case outcome when 'answered' then 'call' else outcome end as kind, (1)::bigint as requests, (0)::bigint as calls, (0)::bigint as input_tokens, (0)::bigint as cached_input_tokens, (0)::bigint as cache_write_tokens, (0)::bigint as output_tokens, (0)::bigint as reasoning_tokens, (0)::bigint as cost_nano, (0)::bigint as list_nano, (coalesce(saved_nano, 0))::bigint as saved_nano, (0)::bigint as unconfirmed_calls, (0)::bigint as unconfirmed_nano, (0)::bigint as overrun_calls, (0)::bigint as overrun_nano, (0)::bigint as duration_ms, (0)::bigint as timed_calls from requests) fact 
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_monthly (month_ms, tenant, user_id, tier, model, provider, key_id, service_tier, operation, urgency, model_requested, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select (extract(epoch from date_trunc('month', to_timestamp(at_ms / 1000) at time zone 'UTC')) * 1000)::bigint as month_ms, tenant as tenant, user_id as user_id, tier as tier, model as model, provider as provider, key_id as key_id, service_tier as service_tier, operation as operation, urgency as urgency, model_requested as model_requested, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select admitted_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, 'call' as kind, (0)::bigint as requests, (1)::bigint as calls, (coalesce(input_tokens, 0))::bigint as input_tokens, (coalesce(cached_input_tokens, 0))::bigint as cached_input_tokens, (coalesce(cache_write_tokens, 0))::bigint as cache_write_tokens, (coalesce(output_tokens, 0))::bigint as output_tokens, (coalesce(reasoning_tokens, 0))::bigint as reasoning_tokens, (cost_nano)::bigint as cost_nano, (coalesce(list_nano, cost_nano))::bigint as list_nano, (0)::bigint as saved_nano, (case when status = 'unconfirmed' then 1 else 0 end)::bigint as unconfirmed_calls, (case when status = 'unconfirmed' then cost_nano else 0 end)::bigint as unconfirmed_nano, (case when overrun_nano > 0 then 1 else 0 end)::bigint as overrun_calls, (overrun_nano)::bigint as overrun_nano, (case when ended_at_ms >= started_at_ms then ended_at_ms - started_at_ms else 0 end)::bigint as duration_ms, (case when ended_at_ms >= started_at_ms then 1 else 0 end)::bigint as timed_calls from entries union all select ended_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, model_requested, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, case outcome when 'answered' then 'call' else outcome end as kind, (1)::bigint as requests, (0)::bigint as calls, (0)::bigint as input_tokens, (0)::bigint as cached_input_tokens, (0)::bigint as cache_write_tokens, (0)::bigint as output_tokens, (0)::bigint as reasoning_tokens, (0)::bigint as cost_nano, (0)::bigint as list_nano, (coalesce(saved_nano, 0))::bigint as saved_nano, (0)::bigint as unconfirmed_calls, (0)::bigint as unconfirmed_nano, (0)::bigint as overrun_calls, (0)::bigint as overrun_nano, (0)::bigint as duration_ms, (0)::bigint as timed_calls from requests) fact 
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_tags (day_ms, tag, value, tenant, model, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tag.key as tag, tag.value as value, tenant as tenant, model as model, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select admitted_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, 'call' as kind, (0)::bigint as requests, (1)::bigint as calls, (coalesce(input_tokens, 0))::bigint as input_tokens, (coalesce(cached_input_tokens, 0))::bigint as cached_input_tokens, (coalesce(cache_write_tokens, 0))::bigint as cache_write_tokens, (coalesce(output_tokens, 0))::bigint as output_tokens, (coalesce(reasoning_tokens, 0))::bigint as reasoning_tokens, (cost_nano)::bigint as cost_nano, (coalesce(list_nano, cost_nano))::bigint as list_nano, (0)::bigint as saved_nano, (case when status = 'unconfirmed' then 1 else 0 end)::bigint as unconfirmed_calls, (case when status = 'unconfirmed' then cost_nano else 0 end)::bigint as unconfirmed_nano, (case when overrun_nano > 0 then 1 else 0 end)::bigint as overrun_calls, (overrun_nano)::bigint as overrun_nano, (case when ended_at_ms >= started_at_ms then ended_at_ms - started_at_ms else 0 end)::bigint as duration_ms, (case when ended_at_ms >= started_at_ms then 1 else 0 end)::bigint as timed_calls from entries union all select ended_at_ms as at_ms, tags as tags, coalesce(tenant, '') as tenant, coalesce(user_id, '') as user_id, coalesce(tier, '') as tier, coalesce(model, model_requested, '') as model, coalesce(provider, '') as provider, coalesce(tags->>'bursar.key', '') as key_id, coalesce(service_tier, '') as service_tier, coalesce(operation, '') as operation, coalesce(urgency, '') as urgency, coalesce(model_requested, '') as model_requested, case outcome when 'answered' then 'call' else outcome end as kind, (1)::bigint as requests, (0)::bigint as calls, (0)::bigint as input_tokens, (0)::bigint as cached_input_tokens, (0)::bigint as cache_write_tokens, (0)::bigint as output_tokens, (0)::bigint as reasoning_tokens, (0)::bigint as cost_nano, (0)::bigint as list_nano, (coalesce(saved_nano, 0))::bigint as saved_nano, (0)::bigint as unconfirmed_calls, (0)::bigint as unconfirmed_nano, (0)::bigint as overrun_calls, (0)::bigint as overrun_nano, (0)::bigint as duration_ms, (0)::bigint as timed_calls from requests) fact cross join lateral jsonb_each_text(coalesce(fact.tags, '{}')) tag where tag.key not like 'bursar.%'
    group by 1, 2, 3, 4, 5, 6 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
