-- A client whose types of authorization details are those its scopes bring also gets the one that
-- the scope `fundsconfirmations` brings from now on. A choice of its own stays as it is.
create schema if not exists identity;

update identity.clients
   set detail_types = array_append(detail_types, 'funds_confirmation')
 where 'fundsconfirmations' = any (scopes)
   and not 'funds_confirmation' = any (detail_types)
   and ('accounts' = any (scopes)) = ('account_information' = any (detail_types))
   and ('payments' = any (scopes)) = ('payment_initiation' = any (detail_types));
