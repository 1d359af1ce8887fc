grammar as materialized (
  select '(?:\m[\w$]+\M|"(?:[^"]|"")+")' as col, '\)*(?:::[\w.]+(?:\s+(?:varying|precision))?\)*)*\s*' as casts,
         '\s*(?:\(|\s|\m(?:SELECT|NULLIF|ANY|ARRAY)\M|\m[\w.]+\s+FROM\M|\*\s*FROM\M)*' as inside,
         '(?:[^()=<>;]*\))?(?:[\s)]|::[\w.]+|,\s*_|->>?\s*_)*=[\s(]*(?:[\w"$]+\.)?' as before,
         '[\w"$]+\.[\w"$]+\)*\s*=\s*\(*[\w"$]+\.[\w"$]+(?![\w"$.]|\s*\()|(?:=|\m(?:IN|ANY)\M)\s*\(+\s*(?:ARRAY\s*\(\s*)?SELECT\M|\mUSING\s*\(|\mNATURAL\M' as tied,
         '{"AND": "+", "OR": "|", "NOT": "!", "IS": "`", "DISTINCT": "d", "CASE": "?", "SELECT": "%", "FROM": "^", "WHERE": "#", "HAVING": "#", "UPDATE": "u", "FOR": "f", "DO": "f",'
         '"COALESCE": "$", "FILTER": "$", "UNION": "&", "EXCEPT": "&", "INTERSECT": "&", "LEFT": "~", "RIGHT": "~", "FULL": "~", "JOIN": "j", "(": "(", ")": ")", "@": "@"}'::jsonb as shapes,
         -- every branch of an OR; or a sub-query's WHERE
         '\([^()|&?%~@]*@[^()|&?%~]*(?:\|[^()|&?%~@]*@[^()|&?%~]*)*\)|\(%[^()@^]*\^(?:[^()|&?~@%]*|[^()@&%]*#[^()|&?@%]*)@[^()|&?%]*\)' as kept
),
