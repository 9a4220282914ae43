CREATE TABLE "usage_company_daily" (
	"day_ms" bigint NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"provider" text NOT NULL,
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
	CONSTRAINT "usage_company_daily_key" PRIMARY KEY("day_ms","tier","model","provider","service_tier","operation","urgency","model_requested","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_company_hourly" (
	"hour_ms" bigint NOT NULL,
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
	CONSTRAINT "usage_company_hourly_key" PRIMARY KEY("hour_ms","tier","model","operation","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_company_tags" (
	"day_ms" bigint NOT NULL,
	"tag" text NOT NULL,
	"value" text NOT NULL,
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
	CONSTRAINT "usage_company_tags_key" PRIMARY KEY("day_ms","tag","value","model","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_tenants_daily" (
	"day_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
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
	CONSTRAINT "usage_tenants_daily_key" PRIMARY KEY("day_ms","tenant","operation","kind")
);
--> statement-breakpoint
CREATE TABLE "usage_tenants_monthly" (
	"month_ms" bigint NOT NULL,
	"tenant" text NOT NULL,
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
	CONSTRAINT "usage_tenants_monthly_key" PRIMARY KEY("month_ms","tenant","operation","kind")
);
--> statement-breakpoint
-- By hand from here.
ALTER TABLE "usage_company_hourly" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_company_daily" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_tenants_daily" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_tenants_monthly" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "usage_company_tags" SET (fillfactor = 85);
--> statement-breakpoint
-- What the finer sums say already: of months that retention dropped they are all there is.
INSERT INTO usage_company_hourly (hour_ms, tier, model, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 3600000) as hour_ms, tier as tier, model as model, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, hour_ms as at_ms from usage_hourly finer) fact group by 1, 2, 3, 4, 5 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_company_daily (day_ms, tier, model, provider, service_tier, operation, urgency, model_requested, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tier as tier, model as model, provider as provider, service_tier as service_tier, operation as operation, urgency as urgency, model_requested as model_requested, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_daily finer) fact group by 1, 2, 3, 4, 5, 6, 7, 8, 9 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_tenants_daily (day_ms, tenant, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tenant as tenant, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_daily finer) fact group by 1, 2, 3, 4 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_tenants_monthly (month_ms, tenant, operation, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select (extract(epoch from date_trunc('month', to_timestamp(at_ms / 1000) at time zone 'UTC')) * 1000)::bigint as month_ms, tenant as tenant, operation as operation, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_tenants_daily finer) fact group by 1, 2, 3, 4 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
--> statement-breakpoint
INSERT INTO usage_company_tags (day_ms, tag, value, model, kind, requests, calls, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, list_nano, saved_nano, unconfirmed_calls, unconfirmed_nano, overrun_calls, overrun_nano, duration_ms, timed_calls)
select at_ms - mod(at_ms, 86400000) as day_ms, tag as tag, value as value, model as model, kind as kind, sum(requests) as requests, sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cost_nano) as cost_nano, sum(list_nano) as list_nano, sum(saved_nano) as saved_nano, sum(unconfirmed_calls) as unconfirmed_calls, sum(unconfirmed_nano) as unconfirmed_nano, sum(overrun_calls) as overrun_calls, sum(overrun_nano) as overrun_nano, sum(duration_ms) as duration_ms, sum(timed_calls) as timed_calls from (select *, day_ms as at_ms from usage_tags finer) fact group by 1, 2, 3, 4, 5 having sum(requests) <> 0 or sum(calls) <> 0 or sum(input_tokens) <> 0 or sum(cached_input_tokens) <> 0 or sum(cache_write_tokens) <> 0 or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0 or sum(saved_nano) <> 0 or sum(unconfirmed_calls) <> 0 or sum(unconfirmed_nano) <> 0 or sum(overrun_calls) <> 0 or sum(overrun_nano) <> 0 or sum(duration_ms) <> 0 or sum(timed_calls) <> 0;
